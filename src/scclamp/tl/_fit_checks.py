"""What a fit looks at before it starts, and what it says about it."""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from scclamp import encoders
from scclamp._errors import InputError, InputWarning, did_you_mean, list_some
from scclamp._values import peek, require_values
from scclamp.fitting import FitConfig

if TYPE_CHECKING:
    from anndata import AnnData

    from scclamp.conditions import Conditions
    from scclamp.encoders import Encoder

FEW_CELLS = 10
_REMAINS = (0.5, 1.5)
"""Median expression of perturbed genes over that of the control's, between which nobody silenced or activated them."""
_FEWEST = 3
"""Genes that such a median takes."""
_logger = logging.getLogger(__name__)


def read_config(config: object, changes: dict[str, Any], fit: Callable[..., Any]) -> FitConfig:
    """Settings of a fit with some of them changed; a misspelt argument of `fit` itself is recognised."""
    if config is not None and not isinstance(config, FitConfig):
        msg = f"config={config!r} is no FitConfig. Write config=scclamp.fitting.FitConfig(max_epochs=200), or max_epochs=200."
        raise InputError(msg)
    known = FitConfig() if config is None else config
    own = [name for name in inspect.signature(fit).parameters if name not in ("adata", "settings_of_fit")]
    for name in changes:
        if not hasattr(known, name):
            hint = did_you_mean(name, [*own, *FitConfig.__dataclass_fields__])
            raise InputError(f"{name!r} is neither an argument of tl.fit nor a setting of FitConfig.{hint}")
    return known.replace(**changes)


def with_values(error: InputError, adata: AnnData, layer: str | None) -> InputError:
    """The same error, with what is wrong with the values beside it."""
    try:
        if adata.n_obs and adata.n_vars:
            require_values(adata, layer, peek(adata, layer))
    except InputError as other:
        return InputError(f"2 problems, both to be solved before a fit:\n  - {other}\n  - {error}")
    return error


def look_at(conditions: Conditions, *, bootstrap: bool, split: bool, knockout: bool = False) -> None:
    """Log what was read, and warn of what no network can be fitted well to.

    Parameters
    ----------
    conditions
        All that were read.
    bootstrap, split, knockout
        Whether cells are resampled, whether a column says which of them train, and whether perturbed genes are held at zero.
    """
    singles = conditions.select(conditions.singles & (conditions.train_n > 0))
    cells = singles.train_n + singles.val_n
    _logger.info(
        "obs[%r], control %s: %d single-gene conditions and the control, %d cells, %d regulators; %d combinations are not "
        "trained on",
        conditions.perturbation_key,
        "recognised" if conditions.control is None else repr(conditions.control),
        len(singles.names) - 1,
        int(cells.sum()),
        len(conditions.regulators),
        int(conditions.combos.sum()),
    )
    if (cells <= 1).all():
        if bootstrap:
            _warn("Every condition has one row, so that there is nothing to resample: all members see the same data.")
        if not split:
            _warn(
                "No condition has cells to validate on (one row per condition?): the training loss chooses the network."
            )
        return
    if not split and not (singles.val_n > 0).any():
        _warn("No condition has cells to validate on (one row per condition?): the training loss chooses the network.")
    left = transcripts_left(np.expm1(singles.usual_mean), singles.genes, singles.targets)
    if not knockout and (hint := knockout_hint(left)) is not None:
        _warn(hint)
    if cells[0] < FEW_CELLS:
        _warn(f"The control has only {cells[0]} cells. Every shift is measured from it: all weights are mostly noise.")
    few = [name for name, n in zip(singles.names[1:], cells[1:], strict=True) if n < FEW_CELLS]
    if few:
        _warn(
            f"{len(few)} of {len(cells) - 1} conditions have fewer than {FEW_CELLS} cells ({list_some(few)}): the weights of "
            "these regulators are mostly noise. Leave them out, or look at their spread with n_seeds=5."
        )


def knockout_hint(shares: Sequence[float]) -> str | None:
    """What to say where perturbed genes keep their transcripts; None where they do not, or there are too few to tell.

    Parameters
    ----------
    shares
        Expression of each measured gene that was perturbed alone, over that in the control, on a linear scale.
    """
    if len(shares) < _FEWEST or not _REMAINS[0] < (median := sorted(shares)[len(shares) // 2]) < _REMAINS[1]:
        return None
    return (
        f"The transcripts of perturbed genes remain: the median of {len(shares)} genes is at {median:.2f} of its expression in "
        "the control, as after a knock-out, which destroys the protein alone. If this is one, pass clamp_values='knockout', "
        "which holds perturbed genes at zero."
    )


def transcripts_left(means: np.ndarray, genes: Sequence[str], targets: Sequence[tuple[str, ...]]) -> list[float]:
    """Expression of each measured gene that was perturbed alone, over that in the control.

    Parameters
    ----------
    means
        Expression on a linear scale (conditions, genes); the control is first.
    genes, targets
        Names of the genes, and the perturbed ones of each condition.
    """
    row = {gene: i for i, gene in enumerate(genes)}
    at = [(i, row[target[0]]) for i, target in enumerate(targets) if len(target) == 1 and target[0] in row]
    return [float(means[i, gene] / means[0, gene]) for i, gene in at if means[0, gene] > 0]


def report(diagnostics: dict[str, Any]) -> None:
    """Log how a fit ended."""
    kept, loss = (np.atleast_1d(diagnostics[name]) for name in ("best_epoch", "best_validation"))
    _logger.info(
        "%d epochs; kept epoch %s%s, validation %s, largest spectral radius %.2f",
        diagnostics["n_epochs"],
        ", ".join(map(str, kept.tolist())),
        " (0 is the start)" if (kept == 0).any() else "",
        ", ".join(f"{value:.4g}" for value in loss.tolist()),
        float(np.max(diagnostics["spectral_radius"])),
    )
    limited = int(np.sum(diagnostics["limit_reached"]))
    if limited:
        _logger.info(
            "max_epochs=%d was reached before %s ran out of patience: a larger one may gain more",
            diagnostics["n_epochs"],
            "the fit" if len(kept) == 1 else f"{limited} of {len(kept)} members",
        )


def _warn(message: str) -> None:
    warnings.warn(message, InputWarning, stacklevel=5)


def look_through(lens: Encoder, singles: Conditions, dtype: torch.dtype, device: str) -> None:
    """Refuse a lens that no fit can look through, and warn of one that shows little.

    Parameters
    ----------
    lens
        The encoder.
    singles
        The control, which is first, and the conditions of single genes.
    dtype, device
        Of the states that the fit will compare.
    """
    means = singles.train_mean.reshape(-1, singles.n_genes)[: singles.n_conditions]
    encoders.require_differentiable(lens, torch.as_tensor(means[:2], dtype=dtype, device=device))
    encoders.look_through(lens, means, stacklevel=4)
