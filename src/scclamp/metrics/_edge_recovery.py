"""A network against the true one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scclamp.metrics._auprc import auprc
from scclamp.metrics._auroc import auroc
from scclamp.metrics._candidates import select_pairs
from scclamp.metrics._ranks import pearson, spearman, top_share
from scclamp.metrics._sign_accuracy import check_top, sign_accuracy

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def edge_recovery(
    scores: ArrayLike,
    truth: ArrayLike,
    *,
    regulator_rows: ArrayLike | None = None,
    candidates: ArrayLike | None = None,
    top_k: int | None = None,
) -> dict[str, float]:
    """Compare a recovered network, or any signed ranking of pairs, with the true one.

    A regulator's own row is never informed by clamping it, so self-loops are left out; name them by `regulator_rows`.

    Parameters
    ----------
    scores
        Signed weights or scores, genes x regulators.
    truth
        True signed weights, genes x regulators; zero is no edge.
    regulator_rows
        Row of each regulator among the genes, -1 for none.
    candidates
        Mask of the pairs to judge, such as those where a shift was seen; all by default.
    top_k
        Size of the top; the number of true edges by default.

    Returns
    -------
    Dictionary with

    - ``auprc``, ``auprc_chance``, ``auroc`` of the absolute scores,
    - ``precision_top`` and ``sign_accuracy_top`` among the `top_k` largest absolute scores,
    - ``sign_accuracy`` over all true edges,
    - ``pearson_edges``, ``spearman_edges`` over the true edges, ``pearson_all``, ``spearman_all`` over all pairs, signed,
    - ``n_edges``, ``n_pairs``, ``top_k``.

    Correlations with a constant are NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> truth = adata.varm["true_A"]
    >>> rows = adata.var_names.get_indexer(adata.uns["truth"]["regulators"])
    >>> noisy = truth + np.random.default_rng(0).normal(0, 0.1, truth.shape)
    >>> found = sc_c.metrics.edge_recovery(noisy, truth, regulator_rows=rows)
    >>> found["auprc"] > 0.9, found["auprc_chance"] < 0.2, found["sign_accuracy"]
    (True, True, 1.0)
    """
    values, weights = select_pairs(scores, truth, regulator_rows, candidates)
    size, edge = np.abs(values), weights != 0
    result = {"auprc": auprc(size, edge), "auprc_chance": float(edge.mean()), "auroc": auroc(size, edge)}
    k = check_top(int(edge.sum()) if top_k is None else top_k, len(values))
    result["precision_top"] = float(top_share(size, k) @ edge / k)
    pair = values[:, None], weights[:, None]
    result["sign_accuracy"] = sign_accuracy(*pair)
    result["sign_accuracy_top"] = sign_accuracy(*pair, top_k=k)
    for name, chosen in (("edges", edge), ("all", slice(None))):
        result[f"pearson_{name}"] = pearson(values[chosen], weights[chosen])
        result[f"spearman_{name}"] = spearman(values[chosen], weights[chosen])
    return result | {"n_edges": float(edge.sum()), "n_pairs": float(len(edge)), "top_k": float(k)}
