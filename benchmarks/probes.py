"""Which questions to a model find edges, above what needs no model, and how far do the names of genes lead?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

import scclamp as sc_c
from benchmarks import probes_beeline, probes_papalexi
from benchmarks.probes_models import gremln, planted, ridge, scgpt
from benchmarks.probes_screens import Screen
from benchmarks.record import Benchmark, Check, Outcome, Scale, Table
from benchmarks.small_models import GREMLN, SCGPT
from benchmarks.truth import NOISE
from scclamp.metrics import auprc
from scclamp.probes import PairFeatures, Transfer, Translator, gene_disjoint, leave_out, sample_negatives

SCREEN = {"n_genes": 60, "n_regulators": 12, "combinations": 10, **NOISE["low"]}
CELLS = {"n_cells_per_condition": 60, "n_control_cells": 300}
FEW_CELLS = {"n_cells_per_condition": 10, "n_control_cells": 60}
EPOCHS = 25
PLANTED, TRAINED = "planted weights", ("scGPT, small", "GREmLN, small")
N_SPLITS = 2


def models(quick: bool) -> dict[str, object]:
    """How a model comes from a screen; the small ones see cells of all conditions without their labels, and never the truth."""
    epochs = 1 if quick else EPOCHS
    return {
        PLANTED: lambda screen: planted(screen.adata),
        "ridge": lambda screen: ridge(screen.adata),
        TRAINED[0]: lambda screen: scgpt(screen.adata, replace(SCGPT["quick"], epochs=epochs)),
        TRAINED[1]: lambda screen: gremln(screen.adata, replace(GREMLN["quick"], epochs=epochs)),
    }


def run(scale: Scale) -> Outcome:
    quick = scale == Scale.QUICK
    cells = FEW_CELLS if quick else CELLS
    screens = {f"screen {k}": Screen.draw(k, SCREEN | cells, 20 if quick else None) for k in range(2 if quick else 3)}
    translator = Translator(epochs=5) if quick else Translator()
    found, rows, within, learned = [], [], [], []
    for name, make in models(quick).items():
        asked = {key: make(screen) for key, screen in screens.items()}
        data = {key: screen.ask(asked[key]) for key, screen in screens.items()}
        learned += [_learned(name, key, each.report) for key, each in asked.items() if each.report]
        found.append(judge(name, leave_out(data, train="rest", translator=translator, rng=0), 20 if quick else 500))
        if name in TRAINED:
            within += within_screens(name, data, translator, 1 if quick else N_SPLITS)
    table = pd.concat(found)
    # What needs no model is the same whatever model is asked.
    plain = table["form"].isin(["null", "reference"])
    rows = pd.concat([table[plain & (table["model"] == PLANTED)].assign(model="none"), table[~plain]])
    names, across = _beeline(quick)
    known, report = probes_papalexi.measure(quick)
    learned += [_learned(TRAINED[0], "Papalexi", report)] if report else []
    tables = [(_TRANSFER, rows.to_dict("records")), (_LEARNED, learned), (_WITHIN, within)]
    tables += [(_NAMES, names), (_ACROSS, across), (_PAPALEXI, known)]
    return Outcome(_checks(rows, names), [Table(caption, each) for caption, each in tables if each])


def judge(model: str, transfers: list[Transfer], n_boot: int) -> pd.DataFrame:
    """Means over the screens that were left out; their sources are drawn apart, so that variances add up."""
    table = sc_c.metrics.transfer_recovery(transfers, n_boot=n_boot, rng=0)
    balanced = {(each.test, *key): score for each in transfers for key, score in _balanced(each).items()}
    keys = zip(table["test"], table["method"], table["form"], strict=True)
    table["balanced"] = [balanced.get(key, 0.5) for key in keys]
    rows = []
    for (method, form), part in table.groupby(["method", "form"], sort=False):
        row: dict[str, object] = {"model": model, "method": method, "form": form}
        row |= {"AUPRC": part["auprc"].mean(), "chance": part["chance"].mean(), "AUROC": part["auroc"].mean()}
        row |= {"EPR": part["epr"].mean(), "AUPRC, balanced": part["balanced"].mean()}
        row |= _mean(part, "ratio", "AUPRC / chance") | _mean(part, "gain", "AUPRC - strongest null")
        rows.append(row)
    return pd.DataFrame(rows).sort_values("AUPRC", ascending=False, kind="stable")


def _mean(part: pd.DataFrame, column: str, name: str) -> dict[str, float]:
    mean, n = part[column].mean(), len(part)
    reach = {end: np.sqrt(((part[f"{column}_{end}"] - part[column]) ** 2).sum()) / n for end in ("low", "high")}
    return {name: mean, f"{name}, low": mean - reach["low"], f"{name}, high": mean + reach["high"]}


def _balanced(transfer: Transfer) -> dict[tuple[str, str], float]:
    """AUPRC among as many edges as other pairs, which the paper has."""
    pairs = sample_negatives(replace(transfer.pairs, scores=transfer.scores), "balanced", rng=0)
    return {key: auprc(values, pairs.known) for key, values in pairs.scores.items()}


def within_screens(
    model: str, data: dict[str, PairFeatures], translator: Translator, n_splits: int
) -> list[dict[str, object]]:
    """Translators and names, learned from one half of a screen: of its pairs at random, or of its genes."""
    found = []
    for key, pairs in data.items():
        for seed in range(n_splits):
            random = np.random.default_rng(seed).random(len(pairs)) < 0.5
            halves = {"pairs": (~random, random), "genes": gene_disjoint(pairs.sources, pairs.targets, rng=seed)}
            for split, (train, test) in halves.items():
                parts = {"train": pairs.take(train), "test": pairs.take(test)}
                # All methods: one model read both halves, so that embeddings have a meaning.
                asked = {"methods": list(pairs.features), "disjoint": False, "translator": translator, "rng": seed}
                (transfer,) = leave_out(parts, train="train", **asked)
                true = transfer.pairs.known
                found += [
                    {
                        "screen": key,
                        "split": split,
                        "method": m,
                        "form": form,
                        "ratio": auprc(values, true) / true.mean(),
                    }
                    for (m, form), values in transfer.scores.items()
                    if form == "translator" or m in ("source degree", "target degree", "gene identity")
                ]
    wide = pd.DataFrame(found).groupby(["method", "form", "split"], sort=False)["ratio"].agg(["mean", "std"]).unstack()
    return [
        {"model": model, "method": method, "form": form}
        | {f"{split}, {what}": row[stat, split] for split in ("pairs", "genes") for stat, what in _STATISTICS.items()}
        for (method, form), row in wide.iterrows()
    ]


_STATISTICS = {"mean": "AUPRC / chance", "std": "SD over splits"}


def _learned(model: str, screen: str, report: dict[str, object]) -> dict[str, object]:
    errors = {f"error, {name}": report[f"mse, {name}"] for name in ("gene means", "ridge", "model")}
    return {"model": model, "screen": screen, **errors, "parameters": report["parameters"], "s": report["s"]}


def _beeline(quick: bool) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    folder = probes_beeline.folder()
    if folder is None:
        return [], []
    cell_types = ("mHSC-GM", "mHSC-L") if quick else probes_beeline.CELL_TYPES
    asked = [(network, cells) for network in probes_beeline.NETWORKS for cells in cell_types]
    data = {key: probes_beeline.read(folder, key[1], key[0]) for key in asked}
    data = {key: pairs for key, pairs in data.items() if pairs is not None}
    return probes_beeline.within(data), probes_beeline.across(data)


def _checks(rows: pd.DataFrame, names: list[dict[str, object]]) -> list[Check]:
    at = rows.set_index(["model", "method", "form"])
    gain = "AUPRC - strongest null"
    by_name = at.loc["none"].loc[["source degree", "target degree", "gene identity", "same pair"], "AUPRC / chance"]
    checks = [
        Check(
            "planted weights, gradient: AUPRC over the strongest null's, low",
            at.loc[(PLANTED, "gradient", "origin"), f"{gain}, low"],
            at_least=0.0,
        ),
        Check(
            "what names tell of a screen of other genes: AUPRC over chance, off 1 by",
            float((by_name - 1).abs().max()),
            at_most=1e-9,
        ),
    ]
    for model in ("ridge", *TRAINED):
        best = at.loc[model].sort_values("AUPRC").iloc[-1]
        what = f"{model}, best probe ({' '.join(best.name)})"
        checks += [
            Check(f"{what}: AUPRC over chance, low", best["AUPRC / chance, low"]),
            Check(f"{what}: AUPRC over the strongest null's", best[gain]),
        ]
    if names:
        table = pd.DataFrame(names)
        for split in ("pairs", "genes"):
            what = f"BEELINE, gene identity, half of the {split} held out: largest AUPRC (chance 0.5)"
            checks.append(Check(what, float(table[f"{split}, balanced: gene identity"].max())))
    return checks


_TRANSFER = (
    "Probes of models of simulated screens, each with genes and a network of its own. Translators learn from the other screens. "
    "Pairs of a regulator with any gene; means over screens, intervals (95 %) by resampling regulators. *origin*: pairs are ranked by "
    "the answer itself; *translator*: by what was learned of other screens; *null*: by what needs neither model nor perturbation "
    "labels; *reference*: by what sees which gene was perturbed. `balanced`: among as many edges as other pairs, as in the paper."
)
_LEARNED = "What the small models learned: squared error of hidden values (bins, ranks) of held-out cells."
_WITHIN = (
    "Within one screen, learned from one half and judged on the other, half of the *pairs* drawn at random or half of the *genes*. "
    "A split of pairs shows a translator the genes of the test; what it gains over the split of genes may be their names."
)
_NAMES = (
    "BEELINE's networks: AUPRC of what the edges of one half tell of the other by the names of genes alone, with as many other pairs as "
    "edges (chance is 0.5), or as many for each factor (*matched*). One half of the *pairs*, of the factors (*sources*), or of the *genes*."
)
_ACROSS = (
    "The same from one cell type to each other one, with as many other pairs as edges: means over the others. *disjoint*: pairs with a "
    "gene of the test left out of training."
)
_PAPALEXI = (
    "Papalexi's THP-1 cells, the 80 genes that most cells express: known edges of factors that were knocked out, by probes of a linear model "
    "and of a small scGPT, by the correlation over cells, and by the network of `tl.fit`, which alone is told which gene was lost. "
    "Genes without a known edge count as no edges. With so few edges these are anecdotes."
)
BENCHMARK = Benchmark(
    name="probes",
    title="Probes: what models of expression know of the network",
    about=(
        "Models reconstruct hidden genes from visible ones, and are asked how each gene depends on each regulator: slopes along the way "
        "to the mean cell (`gradient`), changes at eight values (`virtual`), silencing, sums of embeddings. *Planted weights* are the true network "
        "with noise, which every probe must find. *Ridge* regresses every gene on all others, in closed form. The small scGPT and GREmLN "
        "are trained for real on each screen, in the released layouts; they see cells of all conditions, without labels. Noise is low: "
        "simulated cells of one condition differ by sampling alone, so that all a model can learn is how genes move together across conditions."
    ),
    run=run,
)
