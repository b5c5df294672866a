"""What is compared with what: predictions and observations of the same conditions, and the genes that count."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scclamp._errors import InputError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_GRAIN = 8.0
"""Rounding errors that a few subtractions leave behind, in units of the last place of the largest number."""


@dataclass(frozen=True, eq=False)
class Judged:
    """Predicted and observed values, conditions x genes, and which of them count."""

    predicted: Floats
    observed: Floats
    keep: Bools
    """Genes that count, for each condition."""
    defined: Bools
    """Conditions with a gene that counts and a prediction that is finite on all of those."""
    predicted_grain: Floats
    """For each condition, how large a difference of predictions may be and still be rounding."""
    observed_grain: Floats

    def scores(self, values: Floats) -> Floats:
        """One score for each condition; NaN where none is defined."""
        return np.where(self.defined, values, np.nan)

    def zeroed(self) -> tuple[Floats, Floats]:
        """Predicted and observed with zeros wherever a value does not count."""
        count = self.keep & self.defined[:, None]
        return np.where(count, self.predicted, 0.0), np.where(count, self.observed, 0.0)

    def less(self, name: str, shift: ArrayLike) -> Judged:
        """Both sides minus the same shift."""
        values = as_reference(name, shift, self.keep)
        return replace(
            self,
            predicted=_subtract(self.predicted, values),
            observed=_subtract(self.observed, values),
            predicted_grain=np.maximum(self.predicted_grain, _grain(shift, values, self.keep)),
            observed_grain=np.maximum(self.observed_grain, _grain(shift, values, self.keep)),
        )


def judge(
    predicted: ArrayLike,
    observed: ArrayLike,
    *,
    exclude: ArrayLike | None = None,
    control: ArrayLike | None = None,
    predicted_control: ArrayLike | None = None,
) -> Judged:
    """Check what is compared; with a control, compare the shifts from it.

    Observations and references must be finite wherever they count. A prediction need not be: a condition whose steady
    state failed has no score.

    Parameters
    ----------
    predicted, observed
        Conditions x genes.
    exclude
        True where a gene does not count: conditions x genes, or genes.
    control
        Observed control, genes or conditions x genes.
    predicted_control
        What the predictions are compared with; the observed control by default.
    """
    truth = as_rows("observed", observed)
    guess = as_rows("predicted", predicted)
    if guess.shape != truth.shape:
        raise InputError(
            f"predicted has shape {guess.shape}, but observed has {truth.shape}. Bring both to the same conditions and "
            "genes, in the same order."
        )
    keep = _kept(exclude, truth.shape)
    _require_finite("observed", truth, keep)
    predicted_grain, observed_grain = _grain(predicted, guess, keep), _grain(observed, truth, keep)
    if control is not None:
        reference = as_reference("control", control, keep)
        own = reference if predicted_control is None else as_reference("predicted_control", predicted_control, keep)
        predicted_grain = np.maximum(
            predicted_grain, _grain(control if predicted_control is None else predicted_control, own, keep)
        )
        observed_grain = np.maximum(observed_grain, _grain(control, reference, keep))
        guess, truth = _subtract(guess, own), _subtract(truth, reference)
    defined = keep.any(axis=1) & (np.isfinite(guess) | ~keep).all(axis=1)
    return Judged(guess, truth, keep, defined, predicted_grain, observed_grain)


def as_rows(name: str, values: ArrayLike) -> Floats:
    """Return conditions x genes in double precision, or say what came instead."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2:
        raise InputError(
            f"{name} has shape {array.shape}, but must be conditions x genes. Pass {name}[None, :] for one condition."
        )
    return array


def as_reference(name: str, values: ArrayLike, keep: Bools) -> Floats:
    """Return a profile, or one for each condition, as conditions x genes; finite wherever it counts."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape not in (keep.shape, keep.shape[1:]):
        raise InputError(
            f"{name} has shape {array.shape}, but there are {keep.shape[0]} conditions x {keep.shape[1]} genes. Give "
            f"one profile of {keep.shape[1]} genes, or one for each condition."
        )
    spread = np.broadcast_to(array, keep.shape)
    _require_finite(name, spread, keep)
    return spread


def as_mask(name: str, values: ArrayLike, shape: tuple[int, ...]) -> Bools:
    """Return a mask of genes, or one for each condition, as conditions x genes."""
    array = np.asarray(values)
    if array.dtype != bool or array.shape not in (shape, shape[1:]):
        raise InputError(
            f"{name} has dtype {array.dtype} and shape {array.shape}, but must be a boolean mask of {shape[0]} "
            f"conditions x {shape[1]} genes, or of {shape[1]} genes. Mark genes by True, not by their positions."
        )
    return np.broadcast_to(array, shape)


def _kept(exclude: ArrayLike | None, shape: tuple[int, ...]) -> Bools:
    return np.ones(shape, dtype=bool) if exclude is None else ~as_mask("exclude", exclude, shape)


def _require_finite(name: str, values: Floats, keep: Bools) -> None:
    bad = keep & ~np.isfinite(values)
    if bad.any():
        row, gene = (int(i) for i in np.argwhere(bad)[0])
        raise InputError(
            f"{name} is {values[row, gene]} for condition {row} at gene {gene}. Leave such conditions out, or mark "
            "such genes in exclude=."
        )


def _subtract(values: Floats, reference: Floats) -> Floats:
    with np.errstate(invalid="ignore"):  # infinity minus infinity, in a prediction that failed
        return values - reference


def _grain(given: ArrayLike, values: Floats, keep: Bools) -> Floats:
    """Rounding error of the precision in which an array was given."""
    dtype = np.asarray(given).dtype
    eps = np.finfo(dtype if dtype.kind == "f" else np.float64).eps
    sizes = np.where(keep & np.isfinite(values), np.abs(values), 0.0)
    return _GRAIN * float(eps) * sizes.max(axis=1, initial=0.0)
