"""`tl.transmission`: how much of what perturbations do an encoder lets through, with no network in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from scclamp import encoders
from scclamp._arguments import require_choice, require_whole
from scclamp._assignment import assign, resolve_unmeasured
from scclamp._columns import unwrap
from scclamp._digest import dump_json
from scclamp._errors import InputError
from scclamp._settings import settings
from scclamp._storage import own
from scclamp.conditions import Conditions
from scclamp.tl._transmission_parts import Answer, Basis, Controls, bases_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch
    from anndata import AnnData
    from mudata import MuData

    from scclamp.encoders import Encoder

    Lens = str | Encoder | torch.nn.Module | Callable[[torch.Tensor], torch.Tensor]

_BASES = ("alpha", "gamma", "both")


def transmission(
    adata: AnnData | MuData,
    encoder: Lens | Sequence[Lens] | Mapping[str, Lens] = "pca",
    *,
    basis: Literal["alpha", "gamma", "both"] = "both",
    n_cells: int = 64,
    n_seeds: int = 5,
    infinitesimal: bool = True,
    perturbation_key: str | None = None,
    control: str | Sequence[str] | None = None,
    layer: str | None = None,
    mod: str | None = None,
    n_bootstrap: int = 1000,
    batch_size: int | None = None,
    rng: int | np.random.Generator | None = None,
    key_added: str = "transmission",
) -> pd.DataFrame:
    """Measure how much of the regulatory signal of a screen comes through an encoder.

    Directions of gene space are added to control cells, and the answer of the encoder is measured (equation 7 of the paper).
    Weighted by how much the perturbations move cells along each direction, the squares of the answers are the preserved
    regulatory fraction (equation 8), 1 for the identity.

    Report `gamma`, and `direct` beside it. Directions of `gamma` span what the perturbations do and nothing else, so that an
    encoder that is blind to the shifts has 0, and a linear one has what `direct` has: the energy of the encoded shifts over that of
    the shifts. `alpha` does *not* tell whether shifts come through. A shift lies along many components of control cells at once;
    the sum over components adds up what each of them becomes alone, and leaves out that together they may cancel or
    reinforce each other. An encoder that removes the shifts and keeps the rest has an `alpha` near 1 although nothing comes through, and
    one that keeps the shifts alone has one near 0. Times `coverage` it equals `direct` for the identity and a PCA of control cells. What it does
    tell is whether the signal lies along axes of natural variation that the encoder answers to one by one.

    Parameters
    ----------
    adata
        Cells with log-normalised expression; their means are enough for `basis="gamma"`. MuData needs `mod`.
    encoder
        What `encoder=` of `tl.fit` takes, several in a list, or a dict from names to them. The identity is always added.
    basis
        Directions: `"alpha"`, the principal components of control cells; `"gamma"`, those of the observed shifts, which is the
        one to report; or both.
    n_cells
        Control cells that each seed draws; all of them where there are fewer.
    n_seeds
        Number of draws, over which means and standard deviations are taken.
    infinitesimal
        Whether to measure the answer to infinitely small steps too, by derivatives, which are 0 where an encoder stops gradients
        (`encoders.check` tells); otherwise only that to a step of the median length of
        the observed shifts.
    perturbation_key, control
        Column of `obs` with the perturbations and label of the control; by default recognised.
    layer
        Layer with log-normalised expression; `X` by default.
    mod
        Modality of a MuData; results are written to it.
    n_bootstrap
        Resamples of perturbations and control cells behind the intervals.
    batch_size
        States encoded at a time; lower it when an encoder runs out of memory.
    rng
        Seed or generator of draws and resamples.
    key_added
        Key of `uns`.

    Returns
    -------
    The summary, one row for each encoder and basis: `preserved` (mean over seeds), `sd` (NaN where every seed draws all control
    cells, as nothing is left to chance), `low`, `high` (95 % interval for other perturbations and other cells; NaN for one
    perturbation, and of one control row for other perturbations alone), `infinitesimal`, `direct` (energy of the answers to the observed shifts themselves, over
    theirs), and `coverage` (share of the signal's energy that lies in the span of the basis). This field is written:

    `uns["transmission"]` : dict
        `summary`, that table; `components`, for each direction its share of the `weight`, the transmission `t`, its `sd` over
        seeds, the `infinitesimal` one, and `captured`, the share of all energy that survives in it and those before;
        `regulators`, for each perturbation the `preserved` share of its own shift, the `direct` one, and the `shift`'s length;
        `params`.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> found = sc_c.tl.transmission(adata, "pca", basis="gamma", n_cells=8, n_seeds=2, rng=0)
    >>> found.set_index("encoder").loc["identity", "preserved"].item()
    1.0
    """
    require_choice("basis", basis, _BASES)
    n_cells, n_seeds = require_whole("n_cells", n_cells), require_whole("n_seeds", n_seeds)
    n_bootstrap = require_whole("n_bootstrap", n_bootstrap)
    batch_size = None if batch_size is None else require_whole("batch_size", batch_size)
    rng = np.random.default_rng(rng)
    target = unwrap(adata, mod).adata
    cells = assign(adata, perturbation_key=perturbation_key, control=control, mod=mod, train_fraction=1.0, rng=0)
    cells = resolve_unmeasured(cells, target, "latent")
    conditions = Conditions.from_cells(adata, cells, layer=layer, mod=mod)
    lenses = _lenses(encoder, adata, cells=cells, layer=layer, mod=mod, rng=rng)
    names, shifts = _shifts(conditions)
    controls = Controls.draw(target, layer, cells, n_cells, n_seeds, rng)
    wanted = ("alpha", "gamma") if basis == "both" else (basis,)
    bases = bases_of(wanted, shifts, adata, cells=cells, layer=layer, mod=mod, rng=rng)
    answers = _measure(lenses, bases, controls, names, shifts, infinitesimal, batch_size)
    resamples = _resamples(n_bootstrap, len(shifts), controls.which, rng)
    tables = {
        "summary": pd.DataFrame([answer.summary(*resamples) for answer in answers]),
        "components": pd.concat([answer.components() for answer in answers], ignore_index=True),
        "regulators": pd.concat([answer.regulators() for answer in answers], ignore_index=True),
    }
    params: dict[str, Any] = {"n_cells": controls.per_seed, "n_seeds": n_seeds, "scale": bases[0].scale, "layer": layer}
    params |= {"perturbation_key": cells.perturbation_key, "encoders": {n: e.fingerprint() for n, e in lenses.items()}}
    own(target)
    target.uns[key_added] = {**tables, "params": dump_json(params)}
    return tables["summary"]


def _lenses(encoder: Any, data: Any, **context: Any) -> dict[str, Encoder]:
    """Encoders by name, the identity first."""
    if isinstance(encoder, dict):
        given = dict(encoder)
    else:
        several = list(encoder) if isinstance(encoder, list | tuple) else [encoder]
        resolved = [encoders.resolve(each, data, **context) for each in several]
        given = {each.name: each for each in resolved}
        if len(given) < len(resolved):
            names = [each.name for each in resolved]
            raise InputError(f"encoder={names!r}: two have one name. Pass a dict from names of your own to encoders.")
    found: dict[str, Encoder] = {"identity": encoders.Identity()}
    for name, each in given.items():
        if not isinstance(name, str):
            raise InputError(f"encoder: {name!r} is no name. Pass a dict from texts to encoders.")
        found[name] = encoders.resolve(each, data, **context)
    return found


def _shifts(conditions: Conditions) -> tuple[list[str], np.ndarray]:
    """Names and observed shifts of the single-gene conditions."""
    singles = conditions.select(conditions.singles & (conditions.train_n > 0))
    shifts = singles.train_mean[1:] - singles.train_mean[0]
    if not shifts.any():
        raise InputError(
            "adata: no single-gene condition moves the mean of any gene, so there is no regulatory signal. Check the labels "
            "and the layer."
        )
    return list(singles.names[1:]), shifts


def _measure(
    lenses: dict[str, Encoder],
    bases: list[Basis],
    controls: Controls,
    names: list[str],
    shifts: np.ndarray,
    infinitesimal: bool,
    batch_size: int | None,
) -> list[Answer]:
    from tqdm.auto import tqdm

    tasks = [(name, basis) for name in lenses for basis in bases]
    with tqdm(tasks, desc="transmission", disable=not settings.show_progress()) as bar:
        return [
            Answer.of(name, lenses[name], basis, controls, names, shifts, infinitesimal, batch_size)
            for name, basis in bar
        ]


def _resamples(n: int, n_shifts: int, which: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """How often each resample takes each perturbation, and each row of control cells (as a share).

    A cell that several draws share is one cell: it comes, or stays away, in all of them.
    """
    shifts = rng.multinomial(n_shifts, np.full(n_shifts, 1 / n_shifts), size=n)
    n_cells = which.max() + 1
    cells = rng.multinomial(n_cells, np.full(n_cells, 1 / n_cells), size=n)[:, which].astype(float)
    return shifts.astype(float), cells / cells.sum(1, keepdims=True)
