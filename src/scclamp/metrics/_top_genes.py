"""The genes that move most, as a mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scclamp._arguments import require_whole
from scclamp.metrics._judged import judge
from scclamp.metrics._top import largest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def top_genes(
    observed: ArrayLike, n: int = 20, *, control: ArrayLike, exclude: ArrayLike | None = None
) -> NDArray[np.bool_]:
    """Mark the genes with the largest absolute shifts from the control; ``exclude=~mask`` judges any metric on them.

    This is the ranking that scBIG calls DEGs; GEARS and Systema rank by a test over cells instead, for which any mask
    of significant genes will do.

    Parameters
    ----------
    observed
        Mean expression, conditions x genes.
    n
        How many.
    control
        Mean expression of the control: genes, or conditions x genes.
    exclude
        True where a gene does not count: conditions x genes, or genes.

    Returns
    -------
    Conditions x genes; ties go to the earlier gene. All that count where there are no more than `n`.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.top_genes([[3.0, 1.0, -4.0]], 2, control=[0.0, 0.0, 0.0])
    array([[ True, False,  True]])
    """
    pair = judge(observed, observed, exclude=exclude, control=control)
    return largest(pair.observed, pair.keep, require_whole("n", n))
