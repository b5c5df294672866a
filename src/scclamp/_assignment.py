"""Gives every observation its condition and its role, and decides about targets that were not measured."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from scclamp._aliases import did_you_mean_gene
from scclamp._arguments import read_rng
from scclamp._columns import read_column, unwrap
from scclamp._errors import InputError, InputWarning, list_some
from scclamp._guides import strip_guides
from scclamp._keys import CONTROL
from scclamp._labels import describe_dropped, is_control_token, is_stand_in
from scclamp._recognise import read_perturbations
from scclamp._split import LEFT_OUT, TRAIN, VALIDATION, read_roles, stratified_roles

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData

_HINTS = 3
Unmeasured = Literal["error", "latent", "drop"]


@dataclass(frozen=True, eq=False)
class Assignment:
    """Condition and role of every observation.

    Parameters
    ----------
    names, targets
        Conditions, `control` first, and their gene sets.
    codes
        Condition of each observation, int64; -1 has none.
    roles
        0 trains, 1 validates, -1 is left out, int8.
    perturbation_key
        Column the conditions were read from.
    split
        How the roles came about.
    control
        What was passed as control; None means that it was recognised.
    """

    names: tuple[str, ...]
    targets: tuple[tuple[str, ...], ...]
    codes: np.ndarray
    roles: np.ndarray
    perturbation_key: str
    split: str
    control: str | tuple[str, ...] | None = None

    def counts(self, role: int) -> np.ndarray:
        """Number of observations with a role in each condition."""
        chosen = (self.codes >= 0) & (self.roles == role)
        return np.bincount(self.codes[chosen], minlength=len(self.names))

    @property
    def regulators(self) -> tuple[str, ...]:
        """Genes perturbed alone in a condition with training cells, sorted."""
        train_n = self.counts(TRAIN)
        return tuple(sorted(t[0] for t, n in zip(self.targets, train_n, strict=True) if len(t) == 1 and n > 0))

    def keep(self, mask: np.ndarray) -> Assignment:
        """Leave conditions out; their observations lose their code."""
        at = np.flatnonzero(mask)
        recode = np.full(len(mask) + 1, -1, np.int64)
        recode[at] = np.arange(at.size)
        return replace(
            self,
            names=tuple(self.names[i] for i in at),
            targets=tuple(self.targets[i] for i in at),
            codes=recode[self.codes],
        )


def assign(
    data: Any,
    *,
    perturbation_key: str | None = None,
    control: str | Sequence[str] | None = None,
    mod: str | None = None,
    train_fraction: float = 0.8,
    split_key: str | None = None,
    rng: int | np.random.Generator | None = None,
) -> Assignment:
    """Give every observation its condition and its role; expression is not read.

    Parameters
    ----------
    data
        AnnData or MuData.
    perturbation_key, control, mod, train_fraction, split_key, rng
        As in `Conditions.from_anndata`.

    Returns
    -------
    Conditions with at least one observation, the control first and the others sorted.

    Examples
    --------
    >>> import anndata as ad, numpy as np, pandas as pd
    >>> obs = pd.DataFrame({"gene": ["non-targeting", "KLF1", "AHR", "KLF1"]}, index=list("wxyz"))
    >>> adata = ad.AnnData(np.ones((4, 1)), obs=obs, var=pd.DataFrame(index=["KLF1"]))
    >>> cells = assign(adata, rng=0)
    >>> cells.names, cells.codes
    (('control', 'AHR', 'KLF1'), array([0, 2, 1, 2]))
    """
    table = unwrap(data, mod)
    require_shape(table.adata)
    reading = read_perturbations(table, perturbation_key=perturbation_key, control=control)
    labels = reading.names()
    dropped = reading.dropped()
    if dropped:
        warnings.warn(describe_dropped(f"obs[{reading.key!r}]", dropped), InputWarning, stacklevel=3)
    names = (CONTROL, *sorted(set(labels) - {CONTROL, ""}))
    index = {name: i for i, name in enumerate(names)} | {"": -1}
    codes = np.array([index[label] for label in labels], np.int64)
    targets = tuple(reading.report.targets[name] for name in names)
    if split_key is None:
        roles = stratified_roles(codes, train_fraction, read_rng(rng))
        split = f"train_fraction={train_fraction}"
    else:
        roles = _roles_of(table.read(split_key, "split_key"), split_key, codes)
        split = f"split_key={split_key!r}"
    given = control if control is None or isinstance(control, str) else tuple(map(str, control))
    cells = Assignment(names, targets, codes, roles, reading.key, split, given)
    _require_control(cells)
    return cells


def resolve_unmeasured(cells: Assignment, adata: AnnData, unmeasured: Unmeasured) -> Assignment:
    """Leave out what cannot be used, and act on targets that the panel does not measure.

    Parameters
    ----------
    cells
        Conditions as labelled.
    adata
        Its genes are the panel.
    unmeasured
        As in `Conditions.from_anndata`.

    Returns
    -------
    Conditions with training or validation cells; at least one perturbs a single gene.
    """
    cells = cells.keep(cells.counts(TRAIN) + cells.counts(VALIDATION) > 0)
    panel = set(adata.var_names)
    outside = sorted({g for targets in cells.targets for g in targets} - panel)
    if outside and unmeasured == "error":
        raise InputError(_explain_unmeasured(outside, cells, adata))
    if outside and unmeasured == "drop":
        lost = np.array([not panel.issuperset(targets) for targets in cells.targets])
        names = [name for name, gone in zip(cells.names, lost, strict=True) if gone]
        n_cells = int(np.isin(cells.codes, np.flatnonzero(lost)).sum())
        msg = (
            f"unmeasured='drop': {len(names)} conditions ({list_some(names)}) with {n_cells} observations are left out, "
            f"since the panel does not measure {list_some(outside)}."
        )
        warnings.warn(msg, InputWarning, stacklevel=3)
        cells = cells.keep(~lost)
    if not cells.regulators:
        msg = (
            f"perturbation_key={cells.perturbation_key!r}: no single-gene condition with training cells is left, and a "
            "network is learnt from those. Check the labels, the split and unmeasured=."
        )
        raise InputError(msg)
    return cells


def require_shape(adata: AnnData) -> None:
    """Refuse data without observations or genes, or with two genes of one name."""
    if adata.n_obs == 0 or adata.n_vars == 0:
        what = "observations" if adata.n_obs == 0 else "genes"
        msg = f"data has shape {adata.n_obs} x {adata.n_vars}: there are no {what}. Check the filter applied before."
        raise InputError(msg)
    if not adata.var_names.is_unique:
        twice = adata.var_names[adata.var_names.duplicated()].unique()
        occur = f"{list_some(twice)} occur{'s' * (len(twice) == 1)} more than once"
        msg = f"data.var_names are not unique: {occur}. Call adata.var_names_make_unique() or merge them first."
        raise InputError(msg)


def _roles_of(column: pd.Series, split_key: str, codes: np.ndarray) -> np.ndarray:
    missing = int((column.isna().to_numpy() & (codes >= 0)).sum())
    if missing:
        msg = f"split_key={split_key!r}: {missing} observations without a value are left out, as test cells are."
        warnings.warn(msg, InputWarning, stacklevel=4)
    return np.where(codes >= 0, read_roles(column, split_key), LEFT_OUT).astype(np.int8)


def _require_control(cells: Assignment) -> None:
    if cells.counts(TRAIN)[0] == 0:
        msg = (
            f"{cells.split}: obs[{cells.perturbation_key!r}] has no control observation that trains. "
            "Give some control cells the role 'train'."
        )
        raise InputError(msg)


def _explain_unmeasured(outside: list[str], cells: Assignment, adata: AnnData) -> str:
    hints = {g: did_you_mean_gene(g, adata.var_names, n=1) for g in outside[:_HINTS]}
    near = "".join(f" {g!r}:{hint}" for g, hint in hints.items() if hint)
    controls = [g for g in outside if is_control_token(g) or is_stand_in(g)]
    more = f" {list_some(controls)} look like controls: add them to control=." if controls else ""
    measured = set(adata.var_names)
    if strip_guides(outside, measured.__contains__, is_control_token):
        more += f" If they are guides, call scclamp.pp.perturbations(adata, key={cells.perturbation_key!r}) first."
    for key in map(str, adata.var.columns):
        known = set(map(str, read_column(adata.var, key)))
        if 2 * len(known.intersection(outside)) > len(outside):
            more += f" var[{key!r}] names most of them: set adata.var_names from it."
    return (
        f"unmeasured='error': {len(outside)} perturbed genes are not among the {adata.n_vars} measured ones: "
        f"{list_some(outside)}.{near} In obs[{cells.perturbation_key!r}] they are targets. Add them to the panel, or pass "
        f"unmeasured='latent' to give each a latent dose, or unmeasured='drop' to leave their conditions out.{more}"
    )
