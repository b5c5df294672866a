"""Perturbations add up in a latent space, and a decoder turns the sum into expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch

from scclamp._arguments import read_rng, require_whole
from scclamp._errors import InputError, NonFiniteError
from scclamp.predictors._baseline import Baseline
from scclamp.predictors._latent_network import LatentNetwork, train

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scclamp.predictors._predictor import Target
    from scclamp.predictors._training import Training


@dataclass(kw_only=True, eq=False)
class LatentAdditive(Baseline):
    """Predict ``softplus(Dec(Enc(x) + sum_g e_g))``, x being the control and e_g an embedding of each perturbed gene.

    A small neural network fitted to the training means of the control, the single genes and the combinations that train.

    Parameters
    ----------
    n_latent, n_hidden
        Length of the embeddings, and width of the one hidden layer on each side.
    epochs, learning_rate, weight_decay
        AdamW on all means at once, its rate falling to zero along a cosine.
    seed
        Draws the weights when `fit` is given no `rng`.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> from scclamp.predictors import LatentAdditive
    >>> conditions = sc_c.Conditions.from_anndata(sc_c.datasets.simulated("tiny"), rng=0)
    >>> LatentAdditive(epochs=10).fit(conditions, rng=0).predict([("REG01", "REG02")]).shape
    (1, 60)
    """

    name: ClassVar[str] = "latent_additive"
    n_latent: int = 32
    n_hidden: int = 128
    epochs: int = 500
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    seed: int = 42

    def __post_init__(self) -> None:
        for name in ("n_latent", "n_hidden", "epochs"):
            require_whole(name, getattr(self, name))
        if not 0 < self.learning_rate < float("inf"):
            raise InputError(f"learning_rate={self.learning_rate!r} must be a number above 0.")
        if not 0 <= self.weight_decay < float("inf"):
            raise InputError(f"weight_decay={self.weight_decay!r} must be a number of at least 0.")

    def _learn(self, training: Training, rng: int | np.random.Generator | None) -> None:
        self.genes_ = sorted(training.perturbed)
        targets: list[Target] = [(), *((gene,) for gene in training.singles), *training.combos]
        shifts = np.concatenate([np.zeros_like(training.shifts[:1]), training.shifts, training.combo_shifts])
        means = torch.from_numpy(training.control + shifts).float()
        self.network_ = LatentNetwork(
            means[0],
            n_perturbed=len(self.genes_),
            n_latent=self.n_latent,
            n_hidden=self.n_hidden,
            rng=read_rng(rng, self.seed),
        )
        self.losses_ = train(
            self.network_,
            self._held(targets),
            means,
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
        )
        if not np.isfinite(self.losses_).all():
            epoch = int(np.flatnonzero(~np.isfinite(self.losses_))[0])
            msg = f"NaN or infinity in the loss of {self.name!r} at epoch {epoch}. "
            raise NonFiniteError(f"{msg}Lower learning_rate={self.learning_rate!r}.")

    def _shift(self, targets: Sequence[Target]) -> np.ndarray:
        with torch.no_grad():
            states = self.network_(self._held(targets)).double().numpy()
        # Expression is what it was fitted to; its own control is but one of the conditions, and no reference.
        shift: np.ndarray = states - self._trained().control
        return shift

    def _held(self, targets: Sequence[Target]) -> torch.Tensor:
        column = {gene: j for j, gene in enumerate(self.genes_)}
        held = torch.zeros(len(targets), len(self.genes_))
        for row, genes in enumerate(targets):
            held[row, [column[gene] for gene in genes]] = 1.0
        return held

    def _known(self, training: Training) -> frozenset[str]:
        return training.perturbed
