"""`tl.benchmark`: predictors x splits x seeds, side by side, in one table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from scclamp._arguments import require_choice
from scclamp._assignment import assign
from scclamp._errors import InputError
from scclamp._settings import settings
from scclamp.predictors import NULLS, Baseline, Predictor, Training
from scclamp.tl._benchmark_cells import Store, not_fitted, run_cell
from scclamp.tl._benchmark_predictors import Predictors, read_predictors, settings_of
from scclamp.tl._benchmark_screen import Screen
from scclamp.tl._benchmark_splits import Split, read_splits, to_text
from scclamp.tl._benchmark_table import UNFITTED, summarise, target_rows

if TYPE_CHECKING:
    import os

    from anndata import AnnData
    from mudata import MuData


def benchmark(
    adata: AnnData | MuData,
    predictors: Predictors = ("clamp", "linear_pca", "latent_additive"),
    *,
    splits: str | Sequence[str] | Mapping[str, Mapping[str, Any]] = "additive",
    seeds: int | Sequence[int] = 0,
    per_target: bool = False,
    perturbation_key: str | None = None,
    control: str | Sequence[str] | None = None,
    layer: str | None = None,
    mod: str | None = None,
    unmeasured: Literal["error", "latent", "drop"] = "error",
    clamp_values: Literal["singles", "knockout"] = "singles",
    checkpoint: str | os.PathLike[str] | None = None,
) -> pd.DataFrame:
    """Compare predictors on held-out perturbations, beside every null on the same ones.

    Each predictor learns from the training cells of a split and is scored on the mean of the cells that test (or validate, where
    a split tests nothing). Clamped genes of a target do not count. The nulls (no change, mean response, sums and means of single
    effects; scaled ones where combinations have training cells) are always run: a score that one of them reaches says nothing.

    Parameters
    ----------
    adata
        Cells, or one row per condition, with log-normalised expression. It is not changed.
    predictors
        Names in `scclamp.predictors.REGISTRY`, predictors, or a mapping from names of your own to either.
    splits
        Columns of `obs` with train, val and test, kinds of `pp.split` that are drawn anew for each seed, or a mapping from names
        of your own to arguments of `pp.split`, such as ``{"half": {"kind": "singles", "test_fraction": 0.5}}``.
    seeds
        Seeds of the splits and of predictors that draw.
    per_target
        Whether to return the scores of each target instead of their means.
    perturbation_key, control, layer, mod, unmeasured, clamp_values
        As in `tl.fit`.
    checkpoint
        Folder that keeps the scores of each predictor, split and seed once they are there. A benchmark that is run again with
        it computes only what is missing, or what other data or settings make different.

    Returns
    -------
    One row for each split, seed, subgroup of targets and predictor. Subgroups say what training has seen: `combo_seen1`, one
    gene alone; `unseen_single`; `seen_combo`, cells of this very combination, which nulls do not use. The columns are

    `n_targets`, `n_predicted`
        Targets, and how many of them the predictor can predict; scores are means over these.
    `pearson_delta`, `pearson_delta_top20`, `cosine_delta`, `direction_accuracy`, `discrimination_score`, `mse`, `mae`
        Scores of shifts from the control, see `scclamp.metrics`. NaN where no target has a defined one, and all of them where a prediction is
        not finite.
    `skill`, `skill_low`, `skill_high`, `strongest_null`
        One minus the squared error over that of the strongest null on the same targets, and its 95 % bootstrap interval over
        targets (both drawn together), missing for fewer than five. Above zero is better than everything simple.
    `seconds`
        Time of the fit.
    `note`
        Why targets could not be predicted, such as genes without singles that train; empty where all were.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> table = sc_c.tl.benchmark(adata, "linear_pca", splits=["additive", "singles"])
    >>> table.query("predictor == 'additive'")[["split", "subgroup", "n_targets", "n_predicted"]].values.tolist()
    [['additive', 'combo_seen2', 6, 6], ['singles', 'combo_seen1', 3, 0], ['singles', 'unseen_single', 2, 0]]
    >>> bool(table["skill"].max() <= 1)
    True
    """
    require_choice("unmeasured", unmeasured, ("error", "latent", "drop"))
    require_choice("clamp_values", clamp_values, ("singles", "knockout"))
    asked_for = read_predictors(predictors)
    chosen = _with_nulls(asked_for)
    numbers = _read_seeds(seeds)
    cells = assign(adata, perturbation_key=perturbation_key, control=control, mod=mod, train_fraction=1.0, rng=0)
    screen = Screen(adata, cells, layer, mod, unmeasured, clamp_values)
    asked = read_splits(splits, screen)
    described = {name: settings_of(each) for name, each in chosen.items()} if checkpoint is not None else {}
    store = None if checkpoint is None else Store.open(checkpoint)
    tables = list(_run(screen, asked, numbers, chosen, asked_for.keys(), described, store))
    rows = pd.concat(tables, ignore_index=True)
    return rows if per_target else summarise(rows, [name for name in NULLS if name in chosen])


def _with_nulls(predictors: dict[str, Predictor]) -> dict[str, Predictor]:
    """Add the nulls; a predictor of the user that has the name of one would be taken for it."""
    nulls = read_predictors(NULLS)
    for name in set(nulls).intersection(predictors):
        if repr(nulls[name]) != repr(predictors[name]):
            raise InputError(f"predictors names {name!r}, which is a null with its own settings. Choose another name.")
    return predictors | {name: null for name, null in nulls.items() if name not in predictors}


def _read_seeds(seeds: Any) -> list[int]:
    numbers: list[Any] = list(seeds) if isinstance(seeds, Iterable) and not isinstance(seeds, str) else [seeds]
    for seed in numbers:
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise InputError(f"seeds={seeds!r} must be whole numbers of at least 0. Use for example 0 or range(3).")
    if not numbers:
        raise InputError("seeds is empty. Pass at least one, such as 0.")
    return list(dict.fromkeys(int(seed) for seed in numbers))


def _run(
    screen: Screen,
    splits: list[Split],
    seeds: list[int],
    chosen: dict[str, Predictor],
    asked_for: Collection[str],
    described: dict[str, str],
    store: Store | None,
) -> Iterator[pd.DataFrame]:
    """Rows of every cell, from the store or computed, under a progress bar."""
    from tqdm.auto import tqdm

    n = len(splits) * len(seeds) * len(chosen)
    with tqdm(total=n, desc="benchmark", disable=not settings.show_progress()) as bar:
        for split in splits:
            for seed in seeds:
                part = split.apply(screen, seed)
                names = [part.cells.names[i] for i in part.judged]
                can_choose = bool(Training.of(part.conditions).choosing.size)
                for name, predictor in chosen.items():
                    bar.set_postfix_str(f"{split.name} {seed} {name}", refresh=False)
                    cell = {"split": split.name, "seed": seed, "predictor": name}
                    if can_choose or not (isinstance(predictor, Baseline) and predictor.needs_combinations):
                        result = _cell(cell, to_text(split), predictor, part, described.get(name, ""), store)
                        yield target_rows(cell, names, part.subgroups, result)
                    elif name in asked_for:
                        yield target_rows(cell, names, part.subgroups, not_fitted(len(names)), UNFITTED)
                    bar.update()


def _cell(
    cell: dict[str, Any], split: str, predictor: Predictor, screen: Screen, described: str, store: Store | None
) -> dict[str, Any]:
    if store is None:
        return run_cell(predictor, screen, cell["seed"])
    key = {**cell, "arguments": split, "settings": described, "data": screen.digest}
    result = store.load(key)
    if result is None:
        result = run_cell(predictor, screen, cell["seed"])
        store.save(key, result)
    return result
