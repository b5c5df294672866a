"""Depth of sequencing: the library size of the whole transcriptome, which the sum over a panel is not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from scclamp._errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

WHOLE = 10_000
"""Genes of which a panel may be all that was sequenced, so that its sum is the library size."""
_COUNTS = 10
"""Counts by which a row is known for a cell."""
_OFF_WHOLE = 0.05
"""How far single precision takes counts of some ten thousands from whole numbers."""
_ONE = 1e-3
_NEARLY_ALL = 0.8
"""Share of the counts from which on the sum of a panel is as good as the library size."""


def require_depth(x: Tensor, depth: float, target_sum: float) -> None:
    """Refuse a depth that is the sum over the panel, where cells are among the states.

    Log-normalised cells tell what they were: their smallest expression is one count, so that all others are whole multiples
    of it, and `target_sum` over it is the sum by which the cell was normalised. States in which that is not so are left alone.

    Parameters
    ----------
    x
        States (n, genes).
    depth
        Library size of a typical cell.
    target_sum
        Sum to which cells were normalised.

    Examples
    --------
    Cells of 20 counts in the panel and 100 in all:

    >>> counts = torch.tensor([[1.0, 3.0, 2.0, 1.0, 4.0, 1.0, 1.0, 2.0, 2.0, 3.0]])
    >>> require_depth(torch.log1p(counts / 100 * 1e4), 100, 1e4)
    >>> require_depth(torch.log1p(counts / 100 * 1e4), 20, 1e4)
    Traceback (most recent call last):
    scclamp.errors.InputError: depth=20 is near the sum over the panel...
    """
    relative = x.detach().double().clamp(min=0).expm1()
    one = torch.where(relative > 0, relative, torch.inf).amin(-1, keepdim=True)
    counts = relative / one
    off = (counts - counts.round()).abs().amax(-1)
    cells = (off < _OFF_WHOLE) & ((counts > 0).sum(-1) >= _COUNTS) & (counts.amax(-1) > 1.5)
    if not bool(cells.any()):
        return
    panel = float(counts[cells].sum(-1).median())
    library = float((target_sum / one[cells]).median())
    _judge(panel, library, depth, target_sum, x.shape[-1])


def _judge(panel: float, library: float, depth: float, target_sum: float, n_genes: int) -> None:
    found = f"{panel:.0f} counts in a typical cell"
    if panel > library * (1 + _ONE):
        raise InputError(
            f"target_sum={target_sum:g} is not what these cells were normalised to: their panel alone, {found}, sums to "
            f"{panel / library * target_sum:.0f}. Pass the sum to which all genes of a cell were normalised."
        )
    if n_genes >= WHOLE:
        return
    if panel > library * (1 - _ONE):
        raise InputError(
            f"x was normalised over the panel ({found}), so that depth={depth:g} would be taken for the sum over the panel. "
            "Normalise by the library size of all genes before they are selected, as pp.recipe does."
        )
    if panel < _NEARLY_ALL * library and depth <= math.sqrt(panel * library):
        below = "below" if depth < panel * (1 - _ONE) else "near"
        raise InputError(
            f"depth={depth:g} is {below} the sum over the panel ({found}), not the library size of the whole transcriptome, "
            f"which these cells say is {library:.0f}. Pass the median of the library sizes, such as that of "
            'adata.obs["n_counts_total"] from pp.recipe.'
        )
