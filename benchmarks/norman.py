"""Does the network earn its place on Norman's doubles? Chosen on one half of the pairs, reported on the other."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import dataclass

import anndata as ad
import numpy as np
import torch

import scclamp as sc_c
from benchmarks.norman_data import Pairs, best_scale, find, mean_r, per_pair_error
from benchmarks.record import Benchmark, Check, Outcome, Scale, Table
from scclamp.fitting import Combination, FitConfig

CROWDING = (0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8)
INTERACTION = (0.0, 0.25, 0.5, 0.75, 1.0)
DENOISE = (0.75, 1.0, 1.25)
CONFIGS = {
    "default": FitConfig(),
    "default, means as they are": FitConfig(denoise=0.0),
    "default, one shared half-activation": FitConfig(kinetics="hill"),
    "paper": FitConfig.paper(),
}
RESAMPLES = 10_000


@dataclass(frozen=True)
class Fit:
    """What one fitted network says of the pairs."""

    predicted: np.ndarray
    steady: np.ndarray
    additive: np.ndarray
    norms: np.ndarray
    typical: float

    def under(self, crowding: float, interaction: float) -> np.ndarray:
        """Prediction under another law."""
        law = Combination(crowding, interaction, self.typical)
        scale = law.scale(torch.from_numpy(self.norms))
        return law(torch.from_numpy(self.steady), torch.from_numpy(self.additive), scale).numpy()


def fit(pairs: Pairs, config: FitConfig, clamp_values: str = "singles") -> Fit:
    """Fit control and singles, then ask for the doubles."""
    with warnings.catch_warnings():
        # One row per condition: there is nothing to validate on, and the benchmark says so.
        warnings.simplefilter("ignore")
        fitted = sc_c.tl.fit(pairs.seen_by_a_fit(), config=config, unmeasured="latent", copy=True)
        return _ask(pairs, fitted, clamp_values)


def _ask(pairs: Pairs, fitted: ad.AnnData, clamp_values: str) -> Fit:
    def shift(names: list[str], combination: str) -> np.ndarray:
        answer = sc_c.tl.predict_clamps(
            fitted, names, combination=combination, clamp_values=clamp_values, source=pairs.adata, layers=["shift"]
        )
        return np.asarray(answer.layers["shift"], float)

    single = sc_c.tl.predict_clamps(fitted, pairs.singles, layers=["shift"]).to_df("shift")
    for name in single.index.intersection(single.columns):
        single.loc[name, name] = 0.0
    norms = dict(zip(pairs.singles, np.linalg.norm(single.to_numpy(float), axis=1), strict=True))
    first, second = pairs.parts(dict(zip(pairs.singles, single.to_numpy(float), strict=True)))
    return Fit(
        predicted=shift(pairs.names, "calibrated") * pairs.free,
        steady=shift(pairs.names, "steady_state") * pairs.free,
        additive=first + second,
        norms=np.array([[norms[g] for g in n.split("+")] for n in pairs.names]),
        typical=float(np.mean(np.square(list(norms.values())))),
    )


@dataclass(frozen=True)
class Judge:
    """Scores predictions of the reported pairs against the null that is strongest there, scaled on the chosen ones."""

    pairs: Pairs
    choosing: np.ndarray
    reported: np.ndarray
    null_name: str
    null: np.ndarray

    @classmethod
    def of(cls, pairs: Pairs, rng: np.random.Generator) -> Judge:
        order = rng.permutation(len(pairs.names))
        choosing, reported = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
        scaled = {n: best_scale(p, pairs.observed, choosing) * p for n, p in pairs.nulls().items()}
        errors = {n: per_pair_error(p, pairs.observed)[reported].sum() for n, p in scaled.items()}
        name = min(errors, key=errors.__getitem__)
        return cls(pairs, choosing, reported, name, scaled[name])

    def row(self, name: str, predicted: np.ndarray, rng: np.random.Generator) -> dict[str, object]:
        """Scores over the reported pairs."""
        observed = self.pairs.observed
        error, null = (per_pair_error(p, observed)[self.reported] for p in (predicted, self.null))
        drawn = rng.integers(0, len(error), (RESAMPLES, len(error)))
        skills = 1 - error[drawn].sum(1) / null[drawn].sum(1)
        low, high = np.quantile(skills, [0.025, 0.975])
        total = (observed[self.reported] ** 2).sum()
        return {
            "prediction": name,
            "mean r": mean_r(predicted[self.reported], observed[self.reported], self.pairs.free[self.reported]),
            "R2": 1 - error.sum() / total,
            "skill": 1 - error.sum() / null.sum(),
            "95 % low": low,
            "95 % high": high,
        }


def choose(fits: dict[float, Fit], pairs: Pairs, choosing: np.ndarray) -> tuple[float, float, float]:
    """Strength of the shrinkage, crowding and interaction with the least error over the choosing pairs."""
    grid = itertools.product(fits, CROWDING, INTERACTION)
    return min(grid, key=lambda g: per_pair_error(fits[g[0]].under(g[1], g[2]), pairs.observed)[choosing].sum())


def run(scale: Scale) -> Outcome:
    path = find()
    if path is None:
        return Outcome(tables=[Table("No data: set SCCLAMP_TEST_DATA to the folder with the pseudobulk.", [])])
    pairs = Pairs(ad.read_h5ad(path))
    short = {"max_epochs": 2} if scale == Scale.QUICK else {}
    fits = {name: fit(pairs, config.replace(**short)) for name, config in CONFIGS.items()}
    strengths = {s: fits["default"] if s == 1 else fit(pairs, FitConfig(denoise=s, **short)) for s in DENOISE}
    observed_doses = fit(pairs, FitConfig(**short), clamp_values="observed")
    judge = Judge.of(pairs, np.random.default_rng(0))
    strength, crowding, interaction = choose(strengths, pairs, judge.choosing)
    predictions = _nulls(judge) | {
        f"default, chosen (denoise {strength:g}, crowding {crowding:g}, interaction {interaction:g})": strengths[
            strength
        ].under(crowding, interaction),
        "default": fits["default"].predicted,
        "default, clamp_values='observed'": observed_doses.predicted,
        "default, steady state as it is": fits["default"].steady,
        "default, its singles added": fits["default"].additive,
        "default, its singles added, crowded": fits["default"].under(FitConfig().crowding, 0.0),
        "default, interactions believed, crowded": fits["default"].under(FitConfig().crowding, 1.0),
        "default, means as they are": fits["default, means as they are"].predicted,
        "default, one shared half-activation": fits["default, one shared half-activation"].predicted,
        "paper": fits["paper"].predicted,
    }
    predictions |= oracles(pairs)
    rows = [judge.row(name, p, np.random.default_rng(1)) for name, p in predictions.items()]
    halves = _halves(pairs, strengths, fits["default"], 20 if scale == Scale.QUICK else 500)
    return Outcome(_checks(rows, halves), [Table(_caption(judge), rows), Table(_HALVES, halves)])


def _nulls(judge: Judge) -> dict[str, np.ndarray]:
    found = {}
    for name, p in judge.pairs.nulls().items():
        scale = best_scale(p, judge.pairs.observed, judge.choosing)
        found[name] = p
        if scale:
            found[f"{name}, x {scale:.2f}"] = scale * p
    return found


def oracles(pairs: Pairs) -> dict[str, np.ndarray]:
    """What could be had at most: coefficients fitted to each pair itself, on shrunken singles."""
    a, b = pairs.parts(pairs.shrunken(100))
    one, two = np.empty_like(a), np.empty_like(a)
    for i, y in enumerate(pairs.observed):
        one[i] = best_scale((a + b)[i : i + 1], y[None], np.array([0])) * (a + b)[i]
        basis = np.stack([a[i], b[i]], 1)
        two[i] = basis @ np.linalg.lstsq(basis, y, rcond=None)[0]
    return {"oracle: one scale for each pair": one, "oracle: two coefficients for each pair": two}


def _halves(pairs: Pairs, strengths: dict[float, Fit], default: Fit, n: int) -> list[dict[str, object]]:
    """The same protocol on other random halves."""
    skills: dict[str, list[float]] = {"default, chosen on the half": [], "default": []}
    gains: dict[str, list[float]] = {name: [] for name in skills}
    for seed in range(n):
        judge = Judge.of(pairs, np.random.default_rng(seed))
        strength, crowding, interaction = choose(strengths, pairs, judge.choosing)
        candidates = (strengths[strength].under(crowding, interaction), default.predicted)
        shrunken = sum(pairs.parts(pairs.shrunken(100)))
        k = judge.reported
        r = mean_r(shrunken[k], pairs.observed[k], pairs.free[k])
        null = per_pair_error(judge.null, pairs.observed)[k].sum()
        for name, p in zip(skills, candidates, strict=True):
            skills[name].append(1 - per_pair_error(p, pairs.observed)[k].sum() / null)
            gains[name].append(mean_r(p[k], pairs.observed[k], pairs.free[k]) - r)
    return [
        {
            "prediction": name,
            "halves": n,
            "mean skill": np.mean(values),
            "5 %": np.quantile(values, 0.05),
            "95 %": np.quantile(values, 0.95),
            "share above 0": np.mean(np.array(values) > 0),
            "mean gain in r": np.mean(gains[name]),
        }
        for name, values in skills.items()
    ]


def _checks(rows: list[dict], halves: list[dict]) -> list[Check]:
    by = {row["prediction"]: row for row in rows}
    shrunken = by["additive, shrunken"]["mean r"]
    return [
        Check("default: skill over the strongest scaled null", by["default"]["skill"], at_least=0.0),
        Check("default: lower end of its 95 % interval", by["default"]["95 % low"], at_least=0.0),
        Check("default: gain in mean r over the shrunken sum", by["default"]["mean r"] - shrunken, at_least=0.0),
        Check("default: skill, the aim", by["default"]["skill"], at_least=0.05),
        Check("share of other random halves with positive skill", halves[1]["share above 0"]),
    ]


def _caption(judge: Judge) -> str:
    return (
        f"{len(judge.reported)} reported pairs; the strongest scaled null there is `{judge.null_name}`, "
        f"its scale fitted on the {len(judge.choosing)} choosing pairs."
    )


_HALVES = "The whole protocol on other random halves of the pairs."
BENCHMARK = Benchmark(
    name="norman",
    title="Norman's doubles, predicted from singles",
    about=(
        "Pseudobulk of Norman 2019: control and 104 singles are fitted (`unmeasured='latent'`), the 62 doubles of these "
        "genes are predicted with `clamp_values='singles'` unless a row says otherwise. Clamped genes are left out. `skill`: "
        "1 - MSE / MSE of the strongest scaled null on the same pairs, with a bootstrap interval over pairs. Half of the "
        "pairs, drawn with seed 0, choose scales and the row *chosen*; the other half is reported. `NORMAN.md` tells how the "
        "default came about."
    ),
    run=run,
)
