"""Interactions as predictors see them: the shift of a combination minus the sum of their own singles, from halves of the cells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from scclamp.fitting.load import stored_config
from scclamp.predictors import Clamp
from scclamp.tl._doses import usual_doses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scclamp._result import Result
    from scclamp.conditions import Conditions
    from scclamp.predictors import Baseline, Predictor
    from scclamp.tl._judged import Judged


def of_baselines(judged: Judged, baselines: Sequence[Baseline]) -> dict[str, np.ndarray]:
    """Interactions by name (2, combinations, genes), learned from either half of the cells."""
    if judged.halves is None:
        return {}
    return {
        each.name: np.stack([_interaction(each.fit(half), judged, half) for half in judged.halves])
        for each in baselines
    }


def of_network(judged: Judged, result: Result, combinations: Mapping[str, str], seed: int) -> dict[str, np.ndarray]:
    """The same of the network, fitted anew to either half; nothing where the halves cannot be fitted.

    A network that has seen the singles of both halves has learned their noise, which is in the observed residuals too.

    Parameters
    ----------
    judged
        The combinations.
    result
        The fit, for its settings and doses.
    combinations
        How shifts are combined, by the name of what predicts.
    seed
        Of the starts.
    """
    if judged.halves is None or result.params["encoder"] != "identity":
        return {}
    config = stored_config(result)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in combinations}
    for half in judged.halves:
        seen = _as_fitted(half, result)
        fitted = Clamp(config=config).fit(seen, rng=seed)
        for name, how in combinations.items():
            asked = fitted if how == "calibrated" else fitted.without_law()
            parts[name].append(_interaction(asked, judged, seen))
    return {name: np.stack(each) for name, each in parts.items()}


def _as_fitted(half: Conditions, result: Result) -> Conditions:
    """Conditions with the doses of the fit, in training and in prediction, and without validation cells: those are the other half."""
    dose = dict(zip(result.regulators, usual_doses(result), strict=True))
    given = np.array([dose.get(gene, np.nan) for gene in half.regulators])
    held = half.clamp_mask & (half.regulator_rows >= 0) & np.isfinite(given)
    return replace(
        half,
        clamp_values=np.where(held, given, half.clamp_values),
        usual_values=np.where(held, given, half.usual_values),
        val_mean=np.full_like(half.val_mean, np.nan),
        val_n=np.zeros_like(half.val_n),
    )


def _interaction(fitted: Predictor, judged: Judged, conditions: Conditions) -> np.ndarray:
    genes = sorted({gene for target in judged.targets for gene in target})
    at = {gene: i for i, gene in enumerate(genes)}
    control = conditions.train_mean[0]
    single = fitted.predict([(gene,) for gene in genes]) - control
    sums = np.stack([single[[at[gene] for gene in target]].sum(0) for target in judged.targets])
    shift: np.ndarray = fitted.predict(judged.targets) - control
    return shift - sums
