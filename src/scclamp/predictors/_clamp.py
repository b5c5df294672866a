"""The network itself, behind the face of the baselines."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import torch

from scclamp import encoders
from scclamp._aliases import did_you_mean_gene
from scclamp._arguments import read_rng, require_whole
from scclamp._device import read_device
from scclamp._errors import ConvergenceWarning, InputError, list_some
from scclamp.encoders import Encoder, Identity
from scclamp.fitting import FitConfig, FitProblem, Trainer, denoise, effective_weights
from scclamp.fitting.clamped import ClampedNetwork
from scclamp.predictors._predictor import read_targets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scclamp.conditions import Conditions
    from scclamp.fitting.ensemble import Point
    from scclamp.predictors._predictor import Target


@dataclass(kw_only=True, eq=False)
class Clamp:
    """Predict by clamping a network that is fitted to the single genes, as `tl.fit` and `tl.predict_clamps` do.

    Combinations that train are not learned from.

    Parameters
    ----------
    config
        Settings of the fit.
    n_seeds
        Ensemble members, whose mean predicts; all see the same means, unless the conditions hold as many bootstrap
        replicates. Then the first, which sees the cells as they are, predicts.
    encoder
        Lens through which states are compared; it must be affine, since only means are seen: an encoder, or what
        :func:`scclamp.encoders.as_encoder` takes for one.
    observed
        None holds genes at their means in the single-gene conditions. Conditions hold them where those say that each
        target's own cells had them (`clamp_values="observed"` of `tl.predict_clamps`).
    device
        Torch device; `settings.device` by default.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> from scclamp.fitting import FitConfig
    >>> from scclamp.predictors import Clamp
    >>> conditions = sc_c.Conditions.from_anndata(sc_c.datasets.simulated("tiny"), rng=0)
    >>> Clamp(config=FitConfig(max_epochs=5)).fit(conditions, rng=0).predict([("REG01", "REG02")]).shape
    (1, 60)
    """

    name: ClassVar[str] = "clamp"
    config: FitConfig = field(default_factory=FitConfig)
    n_seeds: int = 1
    encoder: Encoder = field(default_factory=Identity)
    observed: Conditions | None = None
    device: str | None = None

    def __post_init__(self) -> None:
        require_whole("n_seeds", self.n_seeds)
        self.encoder = encoders.as_encoder(self.encoder)
        if not self.encoder.affine:
            msg = f"encoder={self.encoder.name!r} is not affine, and the encoding of a mean is not the mean of encodings. "
            raise InputError(msg + "Use tl.fit, which sees the cells, or an affine encoder.")
        self.states_: ClampedNetwork | None = None

    def fit(self, conditions: Conditions, *, rng: int | np.random.Generator | None = None) -> Self:
        """Fit the network to control and singles.

        Parameters
        ----------
        conditions
            Conditions to learn from; combinations are left out.
        rng
            Seed or generator of the start; `config.seed` by default.

        Returns
        -------
        Itself, fitted.
        """
        singles = conditions.select(conditions.singles & (conditions.train_n > 0)).as_held()
        problem, _ = denoise(self._problem(singles), self.config.denoise)
        trainer = Trainer(problem, self.config, self.n_seeds, read_rng(rng, self.config.seed))
        trainer.run()
        trainer.restore_best()
        self.regulators_ = singles.regulators
        self.doses_ = singles.usual_doses
        self.control_ = singles.usual_mean[0]
        self.weights_ = effective_weights(trainer.dynamics).cpu().numpy()
        core = trainer.core if trainer.best_core is None else trainer.best_core
        row = {target: i for i, target in enumerate(singles.targets)}
        order = [row[()], *(row[gene,] for gene in singles.regulators)]
        known = None if core is None else core[:, order]
        point: Point = "first" if singles.train_mean.ndim > 2 else "mean"
        dynamics = trainer.dynamics.requires_grad_(False)
        self.states_ = ClampedNetwork(dynamics, self.doses_, self.config, known=known, point=point)
        return self

    def predict(self, targets: Sequence[Target]) -> np.ndarray:
        """Predict mean expression.

        Parameters
        ----------
        targets
            Gene sets, in any order of their genes.

        Returns
        -------
        The observed control's mean plus the network's shift (targets, genes), float64.
        """
        states, sets = self._fitted(), read_targets(targets)
        for target in sets:
            if missing := self.lacks(target):
                raise InputError(
                    f"targets: {self.name!r} cannot predict {'+'.join(target)!r}: {list_some(missing)} has no column in the "
                    f"network.{did_you_mean_gene(missing[0], self.regulators_)} Leave the target out, or give its single genes "
                    "training cells."
                )
        if not sets:
            return np.zeros((0, len(self.control_)))
        mask, values = self._clamps(sets)
        found = states.shifts(mask, values)
        self._warn([target for target, sound in zip(sets, found.sound.tolist(), strict=True) if not sound], len(sets))
        return self.control_ + found.value.double().cpu().numpy()

    def without_law(self) -> Self:
        """Return the same fitted network, whose combinations are its steady states as they are."""
        bare = copy.copy(self)
        bare.states_ = self._fitted().without_law()
        return bare

    def lacks(self, target: Target) -> Target:
        """Genes of a target that have no column in the network; empty when it can be predicted."""
        self._fitted()
        return tuple(gene for gene in target if gene not in self.regulators_)

    def _fitted(self) -> ClampedNetwork:
        if self.states_ is None:
            raise InputError("Clamp has learned nothing yet. Call fit(conditions) first.")
        return self.states_

    def _problem(self, singles: Conditions) -> FitProblem:
        encoders.require_panel(self.encoder, singles.genes)
        dtype, device = encoders.placement(self.encoder)
        encoders.require_differentiable(
            self.encoder, torch.as_tensor(singles.usual_mean[:2], dtype=dtype, device=device)
        )
        encoded = encoders.affine_means(self.encoder, singles)
        return FitProblem.of(
            singles, encoded, self.encoder.encode, self.encoder.fingerprint(), read_device(self.device)
        )

    def _clamps(self, targets: Sequence[Target]) -> tuple[torch.Tensor, torch.Tensor]:
        """Which regulators each target holds, and where (targets, regulators)."""
        column = {gene: j for j, gene in enumerate(self.regulators_)}
        mask = np.zeros((len(targets), len(column)), bool)
        for row, genes in enumerate(targets):
            mask[row, [column[gene] for gene in genes]] = True
        values = np.where(mask, self.doses_, 0.0)
        if self.observed is not None:
            self._hold_as_observed(self.observed, targets, values)
        usual = self._fitted().doses
        return torch.as_tensor(mask, device=usual.device), torch.as_tensor(values).to(usual)

    def _hold_as_observed(self, observed: Conditions, targets: Sequence[Target], values: np.ndarray) -> None:
        position = {target: i for i, target in enumerate(observed.targets)}
        rows = {gene: i for i, gene in enumerate(observed.genes)}
        means = observed.usual_mean
        for row, target in enumerate(targets):
            at = position.get(target)
            if at is None or not np.isfinite(means[at]).all():
                msg = f"observed= has no training cells of {'+'.join(target)!r}. "
                raise InputError(
                    msg + "Pass conditions with its cells, or observed=None to hold genes as in the singles."
                )
            for gene in target:
                if gene in rows:
                    values[row, self.regulators_.index(gene)] = means[at, rows[gene]]

    def _warn(self, bad: list[Target], n: int) -> None:
        if bad:
            names = list_some(["+".join(target) for target in bad])
            message = (
                f"{len(bad)} of {n} targets have no trustworthy steady state: {names}. Lower max_radius= of the fit."
            )
            warnings.warn(message, ConvergenceWarning, stacklevel=3)
