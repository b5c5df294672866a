"""`tl.evaluate`: whether the network is better than what sums of singles can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from scclamp._arguments import read_rng, require_choice, require_whole
from scclamp._columns import unwrap
from scclamp._digest import digest_text, dump_json
from scclamp._errors import InputError
from scclamp._groups import groups_of
from scclamp._keys import DEFAULT_KEY, Keys
from scclamp._storage import decode, own
from scclamp.conditions import Conditions
from scclamp.fitting.load import stored_config
from scclamp.predictors import Additive, Baseline, DenoisedAdditive, MeanResponse, NoChange, SaturatedAdditive
from scclamp.tl._evaluation_interactions import of_baselines, of_network
from scclamp.tl._evaluation_tables import interactions, per_pair, strongest, structure, summarise
from scclamp.tl._evaluation_text import STEADY, describe
from scclamp.tl._judged import Judged
from scclamp.tl._predict_clamps import predict_clamps
from scclamp.tl._verdict import Scorer, scale_across

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData
    from mudata import MuData

NETWORK = "network"
SINGLES = "network's singles added"


def evaluate(
    adata: AnnData | MuData,
    *,
    conditions: Sequence[str] | None = None,
    clamp_values: Literal["singles", "observed"] = "singles",
    combination: Literal["calibrated", "steady_state"] = "calibrated",
    categories: str | Mapping[str, str] | None = None,
    refit: bool = True,
    n_bootstrap: int = 2000,
    rng: int | np.random.Generator | None = 0,
    mod: str | None = None,
    key: str = DEFAULT_KEY,
    key_added: str | None = None,
) -> pd.DataFrame:
    """Judge predicted combinations beside nulls on the same combinations, and say which is better.

    Nulls are no change, the mean response, sums of the observed singles (as they are, shrunken, shrunken and saturated) and of
    the network's own singles, each also times one free scale that is fitted on the other fifths of the combinations. They see
    all cells of the singles. The headline is the *skill*, one minus the squared error over that of the strongest null, as it is or
    scaled. Genes that a combination clamps are left out.

    Combinations follow a law with two constants (`crowding` and `interaction` of `FitConfig`), whose defaults were chosen on one
    screen and may cost skill on another. The report says by how much, beside the plain steady state. A choice between them that
    is made after seeing the verdict is made on the test, and its interval promises too much: decide before, or choose on some of
    the combinations and report the others, as in ``evaluate(adata, conditions=pairs[::2])`` and then, once, with
    ``conditions=pairs[1::2]``.

    Parameters
    ----------
    adata
        The screen with its combinations, and the fit.
    conditions
        Combinations to judge, their genes in any order; by default all whose genes are regulators of the fit and perturbed alone too.
    clamp_values, combination
        As in `tl.predict_clamps`.
    categories
        Column of `obs`, or mapping from combinations, that groups them (such as kinds of genetic interaction).
    refit
        Whether to fit the network anew to either half of the cells, for `interaction`: the fit itself has seen the singles of both
        halves, and their noise would score. Without it the network has none. Only for fits without an encoder.
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
    `group`, `value`, `low`, `high` (95 % interval over combinations as if these were independent, which is too narrow where many share genes;
    missing for fewer than five) and `n` (combinations with a
    value). This field is written (for the default key):

    `uns["clamp_evaluation"]` : dict
        `scores`, that table; `pairs`, the scores of each combination; `report`, a text to read; `params`, among them the two
        nulls that were the `strongest`, and `left_out`, the measured combinations that cannot be judged.

    Metrics: `r` (eq. 6 of the paper), `rho_nonadd` (in `pairs` that of each combination as :func:`scclamp.metrics.rho_nonadd` has it, in `scores` their
    mean) and `projection` (both of the residual from the observed additive sum; confounded, since both
    sides share that sum: read them beside the nulls), `top1` and `top5` (retrieval by cosine), `mse`, `r2`, `skill` and
    `gain_in_r` over the strongest null of the same group, which every resample finds anew, the same over the strongest that needs no
    network (`skill_without_network`, `gain_in_r_without_network`), and, when there are cells to halve, `interaction`: the prediction
    minus the sum of its own singles, both learned from one half of the cells and held at the doses of the singles, against the
    residual of the other; `replicate` and `truth` are what another measurement, or the truth, would reach. `frobenius_norm` and `effective_rank` are of the weights, `n`
    being the regulators. Formulas are those of `scclamp.metrics`.

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
    Verdict on 6 combinations, each of 2 genes
    """
    require_choice("clamp_values", clamp_values, ("singles", "observed"))
    require_choice("combination", combination, ("calibrated", "steady_state"))
    n_bootstrap = require_whole("n_bootstrap", n_bootstrap)
    rng = read_rng(rng)
    target = unwrap(adata, mod).adata
    result = decode(target, key)
    key_added = _read_key(key_added, key)
    judged = Judged.of(_halve(adata, result.params, mod, rng), conditions, result.regulators)
    genes = {*judged.conditions.genes, *judged.conditions.regulators}
    groups = groups_of(adata, categories, judged.names, genes=genes, params=result.params, mod=mod)
    predictions = _predict(adata, judged, clamp_values, combination, mod, key)
    uniform = rng.random((n_bootstrap, len(judged.names)))
    scorer = Scorer(judged.shift, judged.add(judged.conditions), judged.free, uniform)
    nulls = {name: shift for name, shift in predictions.items() if name not in (NETWORK, STEADY)}
    scaled = {f"{n}, scaled": scale_across(s, judged.shift, judged.free, rng) for n, s in nulls.items() if s.any()}
    pairs = per_pair(scorer, judged, predictions | scaled)
    # A null that failed somewhere is no measure.
    sound = [name for name, shift in (nulls | scaled).items() if np.isfinite(scorer.errors(shift)).all()]
    rivals = {"": sound, "_without_network": [name for name in sound if not name.startswith(SINGLES)]}
    found = of_baselines(judged, _baselines())
    if refit:
        hows = {NETWORK: combination, STEADY: "steady_state"}
        seed = int(rng.integers(2**32))
        found |= of_network(judged, result, {n: how for n, how in hows.items() if n in predictions}, seed)
    tables = [summarise(scorer, pairs, rivals, groups), interactions(scorer, judged, found), structure(result.A)]
    scores = pd.concat([table for table in tables if len(table)], ignore_index=True)
    params = {
        "strongest": strongest(pairs, rivals[""]),
        "strongest_without_network": strongest(pairs, rivals["_without_network"]),
        "clamp_values": clamp_values,
        "combination": combination,
        **{name: getattr(stored_config(result), name) for name in ("crowding", "interaction")},
        "left_out": np.array(list(judged.left_out), dtype=str),
        "n": len(judged.names),
        "key": key,
        "fit_sha256": digest_text(dump_json(result.digests)),
    }
    own(target)
    target.uns[key_added] = {
        "scores": scores,
        "pairs": pairs.drop(columns="squared_error"),
        "report": describe(scores, params, judged),
        "params": params,
    }
    return scores


def _read_key(key_added: str | None, key: str) -> str:
    if key_added is None:
        return f"{key}_evaluation"
    if not isinstance(key_added, str) or not key_added or "/" in key_added or key_added in (key, Keys(key).enrichment):
        raise InputError(
            f"key_added={key_added!r} must be a name without '/', and not that of the fit or of its other results. Leave it out "
            f"for '{key}_evaluation'."
        )
    return key_added


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
