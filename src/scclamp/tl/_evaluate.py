"""`tl.evaluate`: whether the network is better than what sums of singles can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from scclamp._arguments import require_choice, require_whole
from scclamp._columns import unwrap
from scclamp._keys import DEFAULT_KEY, SEPARATOR
from scclamp._labels import join, parse_labels
from scclamp._storage import decode, own
from scclamp.conditions import Conditions
from scclamp.predictors import Additive, Baseline, DenoisedAdditive, MeanResponse, NoChange, SaturatedAdditive
from scclamp.tl._evaluation_tables import interactions, per_pair, structure, summarise
from scclamp.tl._evaluation_text import describe
from scclamp.tl._judged import Judged
from scclamp.tl._predict_clamps import predict_clamps
from scclamp.tl._verdict import Scorer, scale_across

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData
    from mudata import MuData

NETWORK, STEADY = "network", "network, steady state"
SINGLES = "network's singles added"


def evaluate(
    adata: AnnData | MuData,
    *,
    conditions: Sequence[str] | None = None,
    clamp_values: Literal["singles", "observed"] = "singles",
    combination: Literal["calibrated", "steady_state"] = "calibrated",
    categories: str | Mapping[str, str] | None = None,
    n_bootstrap: int = 2000,
    rng: int | np.random.Generator | None = 0,
    mod: str | None = None,
    key: str = DEFAULT_KEY,
    key_added: str | None = None,
) -> pd.DataFrame:
    """Judge predicted combinations beside nulls on the same combinations, and say which is better.

    Nulls are no change, the mean response, sums of the observed singles (as they are, shrunken, shrunken and saturated) and of
    the network's own singles, each also times one free scale that is fitted on the other fifths of the combinations. They see
    all cells of the singles. The headline is the *skill*, one minus the squared error over that of the strongest scaled null.
    Genes that a combination clamps are left out.

    Parameters
    ----------
    adata
        The screen with its combinations, and the fit.
    conditions
        Combinations to judge; by default all whose genes are regulators of the fit and perturbed alone too.
    clamp_values, combination
        As in `tl.predict_clamps`.
    categories
        Column of `obs`, or mapping from combinations, that groups them (such as kinds of genetic interaction).
    n_bootstrap
        Resamples of the combinations for the intervals.
    rng
        Seed or generator of halves, folds and resamples.
    mod
        Modality of a MuData.
    key
        The `key_added` of the fit.
    key_added
        Key of `uns`; by default `f"{key}_evaluation"`.

    Returns
    -------
    The table of scores, one row per prediction, metric and group of combinations, with the columns `prediction`, `metric`,
    `group`, `value`, `low`, `high` (95 % interval over combinations) and `n`. This field is written (for the default key):

    `uns["clamp_evaluation"]` : dict
        `scores`, that table; `pairs`, the scores of each combination; `report`, a text to read; `params`.

    Metrics: `r` (eq. 6 of the paper), `r_nonadditive` and `projection` (of the residual from the observed additive sum; confounded, since both
    sides share that sum: read them beside the nulls), `top1` and `top5` (retrieval by cosine), `mse`, `r2`, `skill` and
    `gain_in_r` over the strongest scaled null, the same over the strongest that needs no network
    (`skill_without_network`, `gain_in_r_without_network`), and, when there are cells to halve, `interaction`: the prediction minus the
    sum of its own singles, against the residual of cells that it was not estimated on; `replicate` and `truth` are what
    another measurement, or the truth, would reach. Formulas are those of `scclamp.metrics`.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> scores = sc_c.tl.evaluate(adata, n_bootstrap=200)
    >>> skill = scores.query("metric == 'skill' and group == 'all'").set_index("prediction")["value"]
    >>> "network" in skill.index and "additive" in skill.index
    True
    >>> print(adata.uns["clamp_evaluation"]["report"].splitlines()[0])
    Verdict on 6 combinations of 2 genes
    """
    require_choice("clamp_values", clamp_values, ("singles", "observed"))
    require_choice("combination", combination, ("calibrated", "steady_state"))
    n_bootstrap = require_whole("n_bootstrap", n_bootstrap)
    rng = np.random.default_rng(rng)
    result = decode(unwrap(adata, mod).adata, key)
    judged = Judged.of(_halve(adata, result.params, mod, rng), conditions, result.regulators)
    groups = _groups(adata, categories, judged, result.params, mod)
    predictions = _predict(adata, judged, clamp_values, combination, mod, key)
    uniform = rng.random((n_bootstrap, len(judged.names)))
    scorer = Scorer(judged.shift, judged.add(judged.conditions), judged.free, uniform)
    nulls = {name: shift for name, shift in predictions.items() if name not in (NETWORK, STEADY)}
    scaled = {f"{n}, scaled": scale_across(s, judged.shift, judged.free, rng) for n, s in nulls.items() if s.any()}
    strongest = min(scaled, key=lambda name: float(scorer.errors(scaled[name]).sum()))
    needing_none = {name: shift for name, shift in scaled.items() if not name.startswith(SINGLES)}
    without = min(needing_none, key=lambda name: float(scorer.errors(scaled[name]).sum()))
    pairs = per_pair(scorer, judged, predictions | scaled)
    tables = [
        summarise(scorer, pairs, {"": strongest, "_without_network": without}, groups),
        interactions(scorer, judged, _own_interactions(judged, predictions)),
        structure(result.A),
    ]
    scores = pd.concat([table for table in tables if len(table)], ignore_index=True)
    params = {
        "strongest": strongest,
        "strongest_without_network": without,
        "clamp_values": clamp_values,
        "combination": combination,
        "n": len(judged.names),
    }
    target = unwrap(adata, mod).adata
    own(target)
    target.uns[key_added or f"{key}_evaluation"] = {
        "scores": scores,
        "pairs": pairs.drop(columns="squared_error"),
        "report": describe(scores, params, judged),
        "params": params,
    }
    return scores


def _halve(adata: Any, params: Mapping[str, Any], mod: str | None, rng: np.random.Generator) -> Conditions:
    """Conditions as the fit read them, the cells of each in two halves."""
    return Conditions.from_anndata(
        adata,
        perturbation_key=params["perturbation_key"],
        control=params["control"],
        layer=params["layer"],
        mod=mod,
        train_fraction=0.5,
        # A verdict reads what a fit could read; what it left out has no column and is not judged.
        unmeasured="latent",
        rng=rng,
    )


def _groups(adata: Any, categories: Any, judged: Judged, params: Mapping[str, Any], mod: str | None) -> pd.Series:
    """Group of each combination; missing where it has none."""
    if categories is None:
        return pd.Series([None] * len(judged.names), dtype=object)
    if not isinstance(categories, str):
        known = {join(name.split(SEPARATOR)): group for name, group in categories.items()}
        return pd.Series([known.get(name) for name in judged.names], dtype=object)
    table = unwrap(adata, mod)
    labels = pd.Series(table.read(params["perturbation_key"], "perturbation_key")).astype(str)
    groups = pd.Series(table.read(categories, "categories"))
    first = groups[~labels.duplicated()]
    genes = {*judged.conditions.genes, *judged.conditions.regulators}
    mapped = parse_labels(labels[first.index].tolist(), genes=genes, control=params["control"]).mapped
    by_name = {mapped.get(label): group for label, group in zip(labels[first.index], first, strict=True)}
    return pd.Series([by_name.get(name) for name in judged.names], dtype=object)


def _baselines() -> tuple[Baseline, ...]:
    return NoChange(), MeanResponse(), Additive(), DenoisedAdditive(), SaturatedAdditive()


def _predict(
    adata: Any, judged: Judged, clamp_values: Any, combination: Any, mod: str | None, key: str
) -> dict[str, np.ndarray]:
    """Predicted shifts by the name of what predicts."""

    def network(how: Any) -> AnnData:
        answer: Any = predict_clamps(
            adata, list(judged.names), clamp_values=clamp_values, combination=how, source=adata, mod=mod, key=key
        )
        return answer

    asked = network(combination)
    found = {NETWORK: np.asarray(asked.layers["shift"], float)}
    if combination == "calibrated":
        found[STEADY] = np.asarray(network("steady_state").layers["shift"], float)
    found[SINGLES] = np.asarray(asked.layers["additive"], float) - np.asarray(asked.var["control"], float)
    for baseline in _baselines():
        found[baseline.name] = _shift(baseline.fit(judged.conditions), judged, judged.conditions)
    return found


def _shift(baseline: Baseline, judged: Judged, conditions: Conditions) -> np.ndarray:
    shift: np.ndarray = baseline.predict(judged.targets) - conditions.train_mean[0]
    return shift


def _own_interactions(judged: Judged, predictions: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Shift minus the sum of its own singles, by what predicts (2, combinations, genes): learned from either half."""
    if judged.halves is None:
        return {}
    found = {
        name: np.stack([predictions[name] - predictions[SINGLES]] * 2)
        for name in (NETWORK, STEADY)
        if name in predictions
    }
    for baseline in _baselines():
        parts = []
        for half in judged.halves:
            fitted = baseline.fit(half)
            single = {g: fitted.predict([(g,)])[0] - half.train_mean[0] for g in {g for t in judged.targets for g in t}}
            sums = np.stack([sum(single[g] for g in t) for t in judged.targets])
            parts.append(_shift(fitted, judged, half) - sums)
        found[baseline.name] = np.stack(parts)
    return found
