"""How well the data predict themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from scclamp._arguments import require_choice
from scclamp.metrics._correlation import correlations
from scclamp.metrics._halves import as_halves
from scclamp.metrics._judged import judge
from scclamp.metrics._spearman_brown import spearman_brown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

CEILINGS = ("replicate", "truth")


def replicate_ceiling(
    observed: ArrayLike,
    *,
    of: Literal["replicate", "truth"] = "replicate",
    factor: float = 2.0,
    exclude: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Correlation that a replicate, or the truth itself, would reach with the observations.

    The correlation of two halves of the cells, corrected by `spearman_brown`. Halves must share no cell: also split the
    controls and, for interactions, the singles, or the noise they share raises the ceiling.

    Parameters
    ----------
    observed
        Shifts or interactions in each half, 2 x conditions x genes.
    of
        "replicate": of another experiment of the same size. "truth": of a prediction without noise, the root of that and
        thus higher; a score may pass the first but not, but for chance, the second.
    factor
        Size of what scores are computed against, in halves: 2 for all cells, 1 for `cross_fit_correlation`.
    exclude
        True where a gene does not count, as for the score: conditions x genes, or genes.

    Returns
    -------
    One value for each condition; noisy for one, so average. NaN where a half is constant and where fewer than two genes
    count. Negative correlations stay as they are.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> halves = [[[1.0, 2.0, 4.0]], [[1.0, 3.0, 2.0]]]
    >>> sc_c.metrics.replicate_ceiling(halves)
    array([0.4932])
    """
    require_choice("of", of, CEILINGS)
    reliability = spearman_brown(correlations(judge(*as_halves("observed", observed), exclude=exclude)), factor)
    if of == "replicate":
        return reliability
    return np.sign(reliability) * np.sqrt(np.abs(reliability))
