"""The registry of scores."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING

import pandas as pd

from scclamp._arguments import positions

if TYPE_CHECKING:
    from collections.abc import Sequence

_INF = float("inf")

_REGISTRY = (
    # name, formula, direction, low, high, one value for each ..., source
    ("auprc", "average precision of scores", "higher", 0, 1, "network", "-"),
    ("auroc", "P(score of a true > score of a false) + P(equal) / 2", "higher", 0, 1, "network", "-"),
    ("edge_recovery", "auprc, auroc, precision, signs, correlations of edges", "higher", -1, 1, "network", "CLAMP H"),
    ("sign_accuracy", "share of true edges with the true sign", "higher", 0, 1, "network", "CLAMP H"),
    ("frobenius_norm", "sqrt(sum A_ij^2)", "none", 0, _INF, "network", "CLAMP 2.5"),
    ("effective_rank", "exp(-sum p log p), p = s / sum s, singular values s", "none", 1, _INF, "network", "CLAMP 2.5"),
    ("pearson_delta", "corr(p - c, o - c)", "higher", -1, 1, "condition", "cell-eval, scBIG 12, STRAND S37"),
    ("pearson_centroid", "corr(p - mean of perturbed, o - mean of perturbed)", "higher", -1, 1, "condition", "Systema"),
    ("cosine_delta", "cos(p - c, o - c)", "higher", -1, 1, "condition", "scBIG 18"),
    ("rho", "corr(p - c_p, o - c)", "higher", -1, 1, "condition", "CLAMP 6"),
    ("rho_nonadd", "corr(p - c_p - s_add, o - c - s_add)", "higher", -1, 1, "condition", "CLAMP 6"),
    (
        "residual_projection",
        "<e_p, e_o> / |e_o|^2, e as in rho_nonadd",
        "one",
        -_INF,
        _INF,
        "condition",
        "CLAMP fig. 2",
    ),
    ("retrieval", "[rank of own o - c by cosine to p - c_p is at most k]", "higher", 0, 1, "condition", "CLAMP 2.5"),
    (
        "discrimination_score",
        "1 - mid-rank of own distance / others",
        "higher",
        0,
        1,
        "condition",
        "STRAND S42, scBIG 15",
    ),
    ("centroid_accuracy", "share of others' |p - o_k| above own |p - o|", "higher", 0, 1, "condition", "Systema"),
    ("direction_accuracy", "share of genes with sign(p - c) = sign(o - c)", "higher", 0, 1, "condition", "scBIG 13"),
    ("de_overlap", "|top_n(p) & top_n(o)| / n, n = min(n, moved o)", "higher", 0, 1, "condition", "STRAND S39"),
    ("de_precision", "|top_n(p) & top_n(o)| / n, n = min(n, moved p)", "higher", 0, 1, "condition", "STRAND S38"),
    ("de_score", "|top_m(p) & true| / m, m = |true|", "higher", 0, 1, "condition", "Virtual Cell Challenge"),
    ("de_spearman", "rank corr(p - c, o - c) over significant genes", "higher", -1, 1, "condition", "scBIG 14"),
    ("r2", "1 - |o - p|^2 / |o - mean o|^2", "higher", -_INF, 1, "condition", "STRAND F.2"),
    ("mse", "mean (p - o)^2", "lower", 0, _INF, "condition", "scBIG 10, STRAND S35"),
    ("mae", "mean |p - o|", "lower", 0, _INF, "condition", "scBIG 10"),
    ("l2", "|p - o|", "lower", 0, _INF, "condition", "scBIG 11"),
    ("energy_distance", "2 E|P - O| - E|P - P'| - E|O - O'|", "lower", 0, _INF, "sample", "STRAND S43, scBIG 16"),
    ("sinkhorn_distance", "<plan, cost>, entropic plan", "lower", 0, _INF, "sample", "scBIG 17"),
    ("cross_fit_correlation", "mean corr(i_p of a half, i_o of the other)", "higher", -1, 1, "condition", "scclamp"),
    ("replicate_ceiling", "2 r / (1 + r), r = corr of halves of o", "none", -1, 1, "condition", "Spearman-Brown"),
    ("skill", "1 - sum mse / min over nulls of sum mse", "higher", -_INF, 1, "prediction", "scclamp"),
)


def describe(names: str | Sequence[str] | None = None) -> pd.DataFrame:
    """List every score: what it computes, which way is better, between which bounds, and what it needs.

    In formulas p is the prediction and o the observation, c the control and c_p the predicted control, s_add the sum of
    the singles' shifts; sums and means are over the genes that count.

    Parameters
    ----------
    names
        Scores to list; all by default.

    Returns
    -------
    One row for each score, by `name`: `formula`; `direction` ("higher", "lower" or "one" is better, "none" is
    descriptive); `low` and `high`, the bounds; `per`, what has one value (a condition, a sample of cells, a network, a
    whole prediction); `inputs`, the arguments that must be given, and `options`; `source`.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.metrics.describe("rho")[["direction", "inputs"]].values.tolist()
    [['higher', 'predicted, observed, control']]
    """
    columns = ("name", "formula", "direction", "low", "high", "per", "source")
    table = pd.DataFrame(list(_REGISTRY), columns=list(columns)).set_index("name")
    table = table.iloc[positions("names", names, list(table.index))]
    needed, optional = [], []
    for name in table.index:
        parameters = inspect.signature(getattr(import_module(f"scclamp.metrics._{name}"), name)).parameters.values()
        needed.append(", ".join(p.name for p in parameters if p.default is p.empty))
        optional.append(", ".join(p.name for p in parameters if p.default is not p.empty))
    return table.astype({"low": float, "high": float}).assign(inputs=needed, options=optional)
