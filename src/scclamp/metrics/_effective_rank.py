"""How many directions a network uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from scclamp._arguments import require_choice
from scclamp.metrics._network import as_network

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

KINDS = ("entropy", "participation", "stable")


def effective_rank(weights: ArrayLike, *, kind: Literal["entropy", "participation", "stable"] = "entropy") -> float:
    """Number of directions among which the weights of a network are spread.

    The paper reports an effective rank and does not say which. With singular values s:

    - ``"entropy"`` (Roy and Vetterli): exp of the entropy of s / sum(s), the usual meaning of the words,
    - ``"participation"``: sum(s^2)^2 / sum(s^4),
    - ``"stable"``: sum(s^2) / max(s^2).

    The first is the largest, the last the smallest. All grow with noise: a random matrix has nearly full effective rank.

    Parameters
    ----------
    weights
        Genes x regulators.
    kind
        Definition.

    Returns
    -------
    Between 1 and the smaller dimension; NaN for a network without weights.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.effective_rank([[1.0, 0.0], [0.0, 1.0]])
    2.0
    >>> sc_c.metrics.effective_rank([[2.0, 0.0], [0.0, 1.0]], kind="stable")
    1.25
    """
    require_choice("kind", kind, KINDS)
    values = np.linalg.svd(as_network(weights), compute_uv=False)
    if values[0] == 0:
        return float("nan")
    values = values / values[0]
    if kind == "entropy":
        share = values / values.sum()
        share = share[share > 0]
        return float(np.exp(-(share * np.log(share)).sum()))
    power = values**2
    return float(power.sum() ** 2 / (power**2).sum()) if kind == "participation" else float(power.sum())
