"""Size of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp.metrics._network import as_network

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def frobenius_norm(weights: ArrayLike) -> float:
    """Root of the sum of the squared weights of a network.

    Descriptive only: it depends on the activations' half-saturations, with which weights trade off.

    Parameters
    ----------
    weights
        Genes x regulators.

    Returns
    -------
    The norm.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.frobenius_norm([[3.0, 0.0], [0.0, 4.0]])
    5.0
    """
    return float(np.linalg.norm(as_network(weights)))
