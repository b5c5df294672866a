"""The one currency between AnnData and tensors: conditions, their clamps, their means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, get_args

import numpy as np

from scclamp._arguments import read_rng, require_choice
from scclamp._assignment import Unmeasured, assign, resolve_unmeasured
from scclamp._choice import choose
from scclamp._clamps import Held, clamps, group_means, stack_groups
from scclamp._columns import unwrap
from scclamp._errors import InputError
from scclamp._source import open_layer
from scclamp._streaming import CHUNK_SIZE, grouped_sums
from scclamp._values import require_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scclamp._assignment import Assignment


@dataclass(frozen=True, eq=False)
class Conditions:
    """Conditions of a screen: what was clamped, at which value, and how the cells looked.

    Leading axes `...` are empty, or one axis of bootstrap replicates: first the training cells as they are, then resamples.

    Parameters
    ----------
    genes
        Genes of the panel.
    regulators
        Genes perturbed alone in at least one condition with training cells, sorted.
    regulator_rows
        Row of each regulator in `genes`; -1 is latent, perturbed but not measured.
    names
        Canonical names: `control`, then the others sorted, combinations as `A+B`.
    targets
        Gene set of each condition; empty for the control.
    clamp_mask
        Which regulators are held (conditions, regulators). Latent ones always are.
    clamp_values
        Where they are held (..., conditions, regulators); 0 where they are not. A measured regulator is held at its
        training mean in its single-gene condition, a latent one at 1 when targeted and at 0 otherwise.
    usual_values
        The same of the training cells as they are (conditions, regulators): where predictions hold them.
    complete
        Whether every target of a condition has a column (conditions,).
    train_mean, val_mean
        Mean expression (..., conditions, genes); rows without cells are NaN. Validation is not resampled.
    train_n, val_n
        Number of cells (conditions,).
    perturbation_key, control, layer, mod, split
        Where all this came from. `control` is what was passed; None means that it was recognised.
    """

    genes: tuple[str, ...]
    regulators: tuple[str, ...]
    regulator_rows: np.ndarray
    names: tuple[str, ...]
    targets: tuple[tuple[str, ...], ...]
    clamp_mask: np.ndarray
    clamp_values: np.ndarray
    usual_values: np.ndarray
    complete: np.ndarray
    train_mean: np.ndarray
    val_mean: np.ndarray
    train_n: np.ndarray
    val_n: np.ndarray
    perturbation_key: str | None = None
    control: str | tuple[str, ...] | None = None
    layer: str | None = None
    mod: str | None = None
    split: str | None = None

    @classmethod
    def from_anndata(
        cls,
        data: Any,
        *,
        perturbation_key: str | None = None,
        control: str | Sequence[str] | None = None,
        layer: str | None = None,
        mod: str | None = None,
        train_fraction: float = 0.8,
        split_key: str | None = None,
        unmeasured: Unmeasured = "error",
        clamp_values: Held = "singles",
        n_bootstrap: int = 0,
        rng: int | np.random.Generator | None = None,
        chunk_size: int = CHUNK_SIZE,
    ) -> Self:
        """Read conditions from cells, or from one row per condition, in one pass over the expression.

        Parameters
        ----------
        data
            AnnData in memory, a view, backed or lazy, or MuData. It is not changed.
        perturbation_key
            Column of `obs` with the labels; by default recognised.
        control
            Label or labels of control observations, exactly as written; by default recognised.
        layer
            Layer of log-normalised values; by default `X`.
        mod
            Modality of a MuData.
        train_fraction
            Share of the cells of each condition that train.
        split_key
            Column of `obs` with train, val and test, used instead; test cells are left out.
        unmeasured
            What to do with targets outside the panel: raise an error, give each a latent dose, or drop its conditions.
        clamp_values
            Whether a combination holds its genes at their means in the single-gene conditions (`"singles"`) or in its own
            cells (`"observed"`), or every condition at zero (`"knockout"`): the product is lost, whatever its transcript does.
        n_bootstrap
            Number of replicates: the training cells as they are, and then resamples of them within conditions; 0 is no such
            axis.
        rng
            Seed or generator of the split and the replicates.
        chunk_size
            Rows held at a time.

        Returns
        -------
        The conditions that have training or validation cells.

        Examples
        --------
        >>> import anndata as ad, numpy as np, pandas as pd
        >>> obs = pd.DataFrame({"perturbation": ["ctrl", "KLF1+ctrl", "AHR", "KLF1+AHR"]}, index=list("wxyz"))
        >>> expression = np.array([[1.0, 0.5], [3.0, 0.4], [0.9, 2.5], [2.8, 2.6]])
        >>> adata = ad.AnnData(expression, obs=obs, var=pd.DataFrame(index=["KLF1", "AHR"]))
        >>> conditions = Conditions.from_anndata(adata)
        >>> conditions.names
        ('control', 'AHR', 'AHR+KLF1', 'KLF1')
        >>> conditions.clamp_values
        array([[0. , 0. ],
               [2.5, 0. ],
               [2.5, 3. ],
               [0. , 3. ]])
        """
        require_choice("unmeasured", unmeasured, get_args(Unmeasured))
        require_choice("clamp_values", clamp_values, get_args(Held))
        if n_bootstrap < 0:
            msg = f"n_bootstrap={n_bootstrap!r} is negative. Pass the number of replicates, or 0 for none."
            raise InputError(msg)
        rng = read_rng(rng)
        cells = assign(
            data,
            perturbation_key=perturbation_key,
            control=control,
            mod=mod,
            train_fraction=train_fraction,
            split_key=split_key,
            rng=rng,
        )
        cells = resolve_unmeasured(cells, unwrap(data, mod).adata, unmeasured)
        return cls.from_cells(
            data,
            cells,
            layer=layer,
            mod=mod,
            clamp_values=clamp_values,
            n_bootstrap=n_bootstrap,
            rng=rng,
            chunk_size=chunk_size,
        )

    @classmethod
    def from_cells(
        cls,
        data: Any,
        cells: Assignment,
        *,
        layer: str | None = None,
        mod: str | None = None,
        clamp_values: Held = "singles",
        n_bootstrap: int = 0,
        rng: int | np.random.Generator | None = None,
        chunk_size: int = CHUNK_SIZE,
    ) -> Self:
        """Read conditions whose observations are already assigned, in one pass over the expression.

        Parameters
        ----------
        data
            AnnData or MuData. It is not changed.
        cells
            Condition and role of every observation, from `assign` and `resolve_unmeasured`.
        layer, mod, clamp_values, n_bootstrap, rng, chunk_size
            As in `from_anndata`.

        Returns
        -------
        The conditions of `cells`.
        """
        adata = unwrap(data, mod).adata
        rng = read_rng(rng)
        genes = tuple(str(g) for g in adata.var_names)
        groups = stack_groups(cells, n_bootstrap, rng)
        sums, stats = grouped_sums(open_layer(adata, layer), groups, chunk_size=chunk_size)
        require_values(adata, layer, stats)
        means: dict[str, Any] = group_means(cells, sums, n_bootstrap)
        held = clamps(cells, genes, means, clamp_values)
        return cls(
            genes=genes,
            names=cells.names,
            targets=cells.targets,
            **means,
            **held,
            usual_values=_not_resampled(held["clamp_values"]),
            perturbation_key=cells.perturbation_key,
            control=cells.control,
            layer=layer,
            mod=mod,
            split=cells.split,
        )

    @property
    def n_conditions(self) -> int:
        """Number of conditions, the control included."""
        return len(self.names)

    @property
    def n_genes(self) -> int:
        """Number of genes of the panel."""
        return len(self.genes)

    @property
    def n_regulators(self) -> int:
        """Number of regulators, latent ones included."""
        return len(self.regulators)

    @property
    def singles(self) -> np.ndarray:
        """Which conditions perturb exactly one gene."""
        return np.array([len(t) == 1 for t in self.targets])

    @property
    def combos(self) -> np.ndarray:
        """Which conditions perturb several genes."""
        return np.array([len(t) > 1 for t in self.targets])

    @property
    def latent(self) -> np.ndarray:
        """Which regulators are not measured."""
        return self.regulator_rows < 0

    @property
    def usual_mean(self) -> np.ndarray:
        """Mean expression of the training cells as they are (conditions, genes)."""
        return _not_resampled(self.train_mean)

    @property
    def usual_doses(self) -> np.ndarray:
        """Where each regulator is held in its own condition, in the training cells as they are (regulators,)."""
        row = {targets: i for i, targets in enumerate(self.targets)}
        return np.array([self.usual_values[row[gene,], j] for j, gene in enumerate(self.regulators)])

    def select(self, which: np.ndarray | Iterable[str]) -> Self:
        """Keep some conditions, and always the control; regulators and genes stay.

        Parameters
        ----------
        which
            Boolean mask of conditions, or their names in any order of their genes.

        Returns
        -------
        The conditions kept, in the order they had.

        Examples
        --------
        >>> import anndata as ad, numpy as np, pandas as pd
        >>> obs = pd.DataFrame({"perturbation": ["control", "A", "B", "A+B"]}, index=list("wxyz"))
        >>> adata = ad.AnnData(np.full((4, 2), 0.5), obs=obs, var=pd.DataFrame(index=["A", "B"]))
        >>> conditions = Conditions.from_anndata(adata)
        >>> conditions.select(["B+A"]).names
        ('control', 'A+B')
        >>> conditions.select(conditions.singles).names
        ('control', 'A', 'B')
        """
        mask = choose(which, self.names, {*self.genes, *self.regulators})
        mask[0] = True
        at = np.flatnonzero(mask)
        return replace(
            self,
            names=tuple(self.names[i] for i in at),
            targets=tuple(self.targets[i] for i in at),
            clamp_mask=self.clamp_mask[at],
            clamp_values=self.clamp_values[..., at, :],
            usual_values=self.usual_values[at],
            complete=self.complete[at],
            train_mean=self.train_mean[..., at, :],
            val_mean=self.val_mean[..., at, :],
            train_n=self.train_n[at],
            val_n=self.val_n[at],
        )

    def as_held(self) -> Self:
        """Show clamped genes at what they are held at in the means, wherever that is not their own mean.

        A knocked-out gene is held at zero; its transcript, which may stay, would only be an error that no network can
        lower.

        Returns
        -------
        These conditions with other means at the genes that each one clamps; the same ones where clamps are means.

        Examples
        --------
        >>> import anndata as ad, numpy as np, pandas as pd
        >>> obs = pd.DataFrame({"perturbation": ["control", "A", "B"]}, index=list("xyz"))
        >>> adata = ad.AnnData(np.full((3, 2), 0.5), obs=obs, var=pd.DataFrame(index=["A", "B"]))
        >>> Conditions.from_anndata(adata, clamp_values="knockout").as_held().train_mean
        array([[0.5, 0.5],
               [0. , 0.5],
               [0.5, 0. ]])
        """
        at, column = np.nonzero(self.clamp_mask & ~self.latent)
        row, held = self.regulator_rows[column], self.clamp_values[..., at, column]
        other = held != self.train_mean[..., at, row]
        if not other.any():
            return self
        train, val = self.train_mean.copy(), self.val_mean.copy()
        train[..., at, row] = np.where(other, held, train[..., at, row])
        # Validation is not resampled.
        seen = other.reshape(-1, len(at))[0] & (self.val_n[at] > 0)
        val[at[seen], row[seen]] = held.reshape(-1, len(at))[0, seen]
        return replace(self, train_mean=train, val_mean=val)


def _not_resampled(values: np.ndarray) -> np.ndarray:
    """Leave out bootstrap replicates: the first is the cells as they are."""
    return values if values.ndim == 2 else values[0]
