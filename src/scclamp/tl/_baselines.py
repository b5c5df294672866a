"""`tl.baselines`: what simple predictors say about combinations, beside the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import anndata as ad
import numpy as np
import pandas as pd

from scclamp._aliases import did_you_mean_gene
from scclamp._arguments import read_rng, require_choice
from scclamp._assignment import assign
from scclamp._columns import unwrap
from scclamp._digest import dump_json
from scclamp._errors import InputError, did_you_mean, list_some
from scclamp._keys import CONTROL, SEPARATOR
from scclamp._labels import canonical
from scclamp._memory import require_memory
from scclamp._settings import settings
from scclamp._split import TRAIN
from scclamp.fitting import FitConfig
from scclamp.predictors import REGISTRY, Baseline, Predictor, Target, Training, read_targets
from scclamp.tl._benchmark_predictors import Predictors, read_predictors
from scclamp.tl._benchmark_screen import Screen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from anndata import AnnData
    from mudata import MuData

    from scclamp.conditions import Conditions


def baselines(
    adata: AnnData | MuData,
    targets: str | Iterable[str | tuple[str, ...]] | None = None,
    *,
    predictors: Predictors | None = None,
    choosing: Sequence[str] | None = None,
    perturbation_key: str | None = None,
    control: str | Sequence[str] | None = None,
    layer: str | None = None,
    mod: str | None = None,
    train_fraction: float = 0.8,
    split_key: str | None = None,
    unmeasured: Literal["error", "latent", "drop"] = "latent",
    rng: int | np.random.Generator | None = None,
) -> AnnData:
    """Predict perturbations from simple rules fitted to a screen, read as `tl.fit` reads it.

    Nothing is worth having that does not beat these: no change, the mean response, sums of single effects (as they are,
    scaled, shrunken, saturated), means of them, a linear and a small neural model. With the same split and `rng` they see the
    very cells that a fit of the network sees.

    Parameters
    ----------
    adata
        Cells, or one row per condition, with log-normalised expression. MuData needs `mod`.
    targets
        What to predict: labels such as ``"A+B"`` or gene sets such as ``("A", "B")``. By default the combinations of the screen
        whose genes are all perturbed alone and that nothing is learned from.
    predictors
        Names in `scclamp.predictors.REGISTRY`, predictors, or a mapping from names of your own to either. By default all of
        the registry but the network; those with a free scale only when there are combinations to fit it to.
    choosing
        Combinations that free constants may be fitted to. By default those with training cells when there is a `split_key`,
        and none otherwise.
    perturbation_key, control, layer, mod, train_fraction, split_key, unmeasured
        As in `tl.fit`. Baselines clamp nothing, so that genes that were not measured are no problem to them.
    rng
        Seed or generator of the split and of baselines that draw; that of `tl.fit` by default.

    Returns
    -------
    An AnnData of targets x genes with no `X` and

    `layers[name]` : float32
        Predicted mean expression, for each predictor.
    `layers["observed"]` : float32
        Mean expression of the target's own cells that nothing was learned from; NaN where there are none.
    `var["control"]`
        Mean expression of the control; predictions minus this are shifts.
    `obs["targets"]`, `obs["n_genes_perturbed"]`, `obs["n_cells"]`
        Genes, their number, and how many cells are behind `observed`.
    `uns["baselines"]`
        The arguments as JSON, and under `learned` the constants that were fitted.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> predicted = sc_c.tl.baselines(adata, predictors=["no_change", "additive"])
    >>> predicted.shape, list(predicted.layers)
    ((6, 60), ['no_change', 'additive', 'observed'])
    >>> bool((predicted.layers["no_change"][0] == predicted.var["control"].to_numpy("float32")).all())
    True
    """
    require_choice("unmeasured", unmeasured, ("error", "latent", "drop"))
    rng = read_rng(rng, FitConfig().seed)
    labels: dict[str, Any] = {"perturbation_key": perturbation_key, "control": control, "mod": mod}
    cells = assign(adata, **labels, train_fraction=train_fraction, split_key=split_key, rng=rng)
    screen = Screen(adata, cells, layer, mod, unmeasured)
    learned_from = _learned_from(screen, choosing, split_key)
    chosen = _choose(predictors, learned_from)
    sets = _default_targets(screen, learned_from) if targets is None else _read_targets(targets, screen)
    genes = learned_from.genes
    what = f"{len(sets)} targets x {len(genes)} genes x {len(chosen)} predictors"
    require_memory(4.0 * len(sets) * len(genes) * (len(chosen) + 1), what, "Ask for fewer targets")
    layers = _predict(chosen, learned_from, sets, rng)
    observed, n_cells = _observe(screen, learned_from, sets)
    names = [SEPARATOR.join(target) or CONTROL for target in sets]
    params = {"choosing": choosing, "train_fraction": train_fraction, "split_key": split_key, "unmeasured": unmeasured}
    return ad.AnnData(
        obs=pd.DataFrame(
            {"targets": names, "n_genes_perturbed": [len(target) for target in sets], "n_cells": n_cells},
            index=pd.Index(names, dtype=object),
        ),
        var=pd.DataFrame({"control": learned_from.train_mean[0]}, index=pd.Index(genes, dtype=object)),
        layers={**layers, "observed": observed},
        uns={
            "baselines": {
                "params": dump_json({**params, "perturbation_key": cells.perturbation_key, "layer": layer}),
                "learned": {n: dict(p.learned) for n, p in chosen.items() if isinstance(p, Baseline) and p.learned},
            }
        },
    )


def _learned_from(screen: Screen, choosing: Sequence[str] | None, split_key: str | None) -> Conditions:
    """Control and singles that train, and the combinations that free constants may be fitted to."""
    conditions = screen.conditions
    trained = conditions.train_n > 0
    if choosing is None:
        return conditions.select(trained & (conditions.singles | (split_key is not None)))
    known = {*conditions.genes, *conditions.regulators}
    wanted = {canonical(str(name), genes=known) for name in choosing}
    possible = {n for n, ok in zip(conditions.names, conditions.combos & trained, strict=True) if ok}
    if missing := sorted(wanted - possible):
        hint = did_you_mean(missing[0], possible)
        what = "is no combination" if len(missing) == 1 else "are no combinations"
        raise InputError(f"choosing: {list_some(missing)} {what} with training cells.{hint}")
    return conditions.select((conditions.singles & trained) | np.isin(conditions.names, sorted(wanted)))


def _choose(predictors: Predictors | None, conditions: Conditions) -> dict[str, Predictor]:
    if predictors is not None:
        return read_predictors(predictors)
    found = read_predictors([name for name in REGISTRY if name != "clamp"])
    if Training.of(conditions).choosing.size:
        return found
    return {n: p for n, p in found.items() if not (isinstance(p, Baseline) and p.needs_combinations)}


def _default_targets(screen: Screen, learned_from: Conditions) -> list[Target]:
    alone = {target[0] for target in learned_from.targets if len(target) == 1}
    known = set(learned_from.targets)
    sets = [t for t in screen.cells.targets if len(t) > 1 and alone.issuperset(t) and t not in known]
    if not sets:
        raise InputError(
            "targets=None predicts combinations of the screen whose genes are all perturbed alone and that do not train, and "
            "there are none. Pass targets= such as ['A+B']."
        )
    return sets


def _read_targets(targets: Any, screen: Screen) -> list[Target]:
    """Gene sets that are asked for, once each; genes must be measured, or perturbed in the screen."""
    genes = set(unwrap(screen.data, screen.mod).adata.var_names).union(*screen.cells.targets)
    given = screen.cells.control
    controls = [given] if isinstance(given, str) else given
    sets: list[Target] = []
    for target in [targets] if isinstance(targets, str) else targets:
        if isinstance(target, str):
            name = canonical(target, genes=genes, control=controls)
            sets.append(() if name == CONTROL else (name,) if name in genes else tuple(name.split(SEPARATOR)))
        else:
            sets.extend(read_targets([target]))
        if unknown := [gene for gene in sets[-1] if gene not in genes]:
            raise InputError(_explain_unknown(target, unknown[0], genes))
    if not sets:
        raise InputError("targets is empty. Pass labels such as ['A+B'], or None for the combinations of the screen.")
    return list(dict.fromkeys(sets))


def _explain_unknown(target: Any, gene: str, genes: set[str]) -> str:
    what = repr(gene) if target in (gene, (gene,)) else f"{gene!r} of {target!r}"
    hint = did_you_mean_gene(gene, genes)
    if not hint and (rule := did_you_mean(gene, REGISTRY, n=1)):
        hint = f"{rule} That is a predictor: pass predictors=, since the second argument is targets."
    return f"targets: {what} is no gene of the screen.{hint or ' Use genes that are measured or perturbed in it.'}"


def _predict(
    chosen: dict[str, Predictor], conditions: Conditions, sets: list[Target], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    from tqdm.auto import tqdm

    layers = {}
    # One seed for all, so that what one predicts does not depend on which others are asked for.
    seed = int(rng.integers(2**32))
    for name, predictor in tqdm(chosen.items(), desc="baselines", disable=not settings.show_progress()):
        layers[name] = predictor.fit(conditions, rng=seed).predict(sets).astype(np.float32)
    return layers


def _observe(screen: Screen, learned_from: Conditions, sets: list[Target]) -> tuple[np.ndarray, np.ndarray]:
    """Means of the cells of each target that nothing was learned from."""
    at = {target: i for i, target in enumerate(screen.cells.targets)}
    used = [at[target] for target in learned_from.targets]
    free = (screen.cells.roles != TRAIN) | ~np.isin(screen.cells.codes, used)
    there = [i for i, target in enumerate(sets) if target in at]
    means = np.full((len(sets), learned_from.n_genes), np.nan, np.float32)
    n = np.zeros(len(sets), np.int64)
    if there:
        means[there], n[there] = screen.means([at[sets[i]] for i in there], free)
    return means, n
