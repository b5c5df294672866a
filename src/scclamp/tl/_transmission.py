"""`tl.transmission`: how much of what perturbations do an encoder lets through, with no network in between."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from scclamp import encoders
from scclamp._arguments import read_rng, require_choice, require_whole
from scclamp._assignment import assign, resolve_unmeasured
from scclamp._columns import unwrap
from scclamp._digest import dump_json
from scclamp._errors import InputError, InputWarning, list_some
from scclamp._settings import settings
from scclamp._storage import own, require_room
from scclamp.conditions import Conditions
from scclamp.tl._transmission_answer import Answer
from scclamp.tl._transmission_bases import Basis, bases_of, single_shifts
from scclamp.tl._transmission_controls import Controls
from scclamp.tl._transmission_null import Shuffled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    from anndata import AnnData
    from mudata import MuData

    from scclamp.encoders import Encoder

    Lens = str | Encoder | torch.nn.Module | Callable[[torch.Tensor], torch.Tensor]

_PARTS = frozenset({"summary", "components", "regulators", "params"})
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
        (a warning says so); otherwise only that to a step of the median length of the observed shifts.
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
        Seed or generator of draws, resamples and the shuffle.
    key_added
        Key of `uns`.

    Returns
    -------
    The summary, one row for each encoder and basis:

    - `preserved`, how many times the energy of the signal the answers have, by equation 8, mean over seeds. It is a share, at most
      1, only where an encoder amplifies nothing: the encoder that triples preserves 9. `sd` is that of the draws of control cells alone, NaN
      where every seed draws all of them. `low`, `high`: see below.
    - `null`, the same of shifts between groups of cells whose labels were shuffled: sampling noise, which every mean contains and
      encoders let through too. One shuffle of the control cells and those of single genes, at the same control cells and with steps as
      long. What `preserved` has above it is a preference for what perturbations do; the identity and whatever else lets everything
      through have none. NaN where conditions have one row, so that there is nothing to shuffle.
    - `relative`, `preserved` over the square of the largest transmission of any direction of the basis or of shuffled shifts, with `relative_low`
      and `relative_high`. Free of scale: 1 where an encoder answers to what perturbations do as much as to whatever it answers most,
      however it is scaled. Directions of noise are among those, since the largest of the shifts alone would make 1 of an encoder
      that is all but blind to each of them alike (without a `null` there are no others). NaN where there is no answer at all.
    - `infinitesimal`, `preserved` for infinitely small steps; NaN or infinite, with a warning, where a derivative is.
    - `direct`, energy of the answers to the observed shifts themselves, over theirs.
    - `coverage`, share of the signal's energy that lies in the span of the basis, and `n_directions` of it.

    Intervals hold 95 % and come from resampling the perturbations and the control cells of *this* screen: they tell how far the figure
    hangs on which of them were drawn, and nothing of perturbations of another kind, cell type or laboratory. Where one or two
    perturbations carry the signal, resamples have hardly more to say: `regulators` shows it. They are NaN for one
    perturbation, and with one control row vary the perturbations alone.

    This field is written:

    `uns["transmission"]` : dict
        `summary`, that table; `components`, for each direction its share of the `weight`, the transmission `t`, its `sd` over
        seeds, the `infinitesimal` one, and `captured`, the share of all energy that survives in it and those before;
        `regulators`, for each perturbation `preserved` and `direct` of its own shift, and the `shift`'s length;
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
    rng = read_rng(rng)
    target = unwrap(adata, mod).adata
    require_room(target, key_added, _PARTS, "tl.transmission")
    cells = assign(adata, perturbation_key=perturbation_key, control=control, mod=mod, train_fraction=1.0, rng=0)
    cells = resolve_unmeasured(cells, target, "latent")
    conditions = Conditions.from_cells(adata, cells, layer=layer, mod=mod)
    lenses = _lenses(encoder, adata, cells=cells, layer=layer, mod=mod, rng=rng)
    names, shifts = single_shifts(conditions)
    _require_signal(shifts)
    means = conditions.train_mean[0] + np.concatenate([np.zeros_like(shifts[:1]), shifts])
    for lens in {id(each): each for each in lenses.values()}.values():
        encoders.look_through(lens, means, gradients=infinitesimal, stacklevel=2)
    controls = Controls.draw(target, layer, cells, n_cells, n_seeds, rng)
    wanted = ("alpha", "gamma") if basis == "both" else (basis,)
    bases = bases_of(wanted, shifts, adata, cells=cells, layer=layer, mod=mod, rng=rng)
    resamples = _resamples(n_bootstrap, len(shifts), controls.which, rng)
    shuffled = Shuffled.draw(adata, cells, shifts, rng, layer=layer, mod=mod)
    answers = _measure(lenses, bases, controls, names, shifts, shuffled, infinitesimal, batch_size)
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
    if isinstance(encoder, Mapping):
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
    if not isinstance(found["identity"], encoders.Identity):
        raise InputError(
            "encoder: 'identity' is what every other is measured against, and is always added. Choose another name."
        )
    return found


def _require_signal(shifts: np.ndarray) -> None:
    if not shifts.any():
        raise InputError(
            "adata: no single-gene condition moves the mean of any gene, so there is no regulatory signal. Check the labels "
            "and the layer."
        )


def _measure(
    lenses: dict[str, Encoder],
    bases: list[Basis],
    controls: Controls,
    names: list[str],
    shifts: np.ndarray,
    shuffled: Shuffled,
    infinitesimal: bool,
    batch_size: int | None,
) -> list[Answer]:
    from tqdm.auto import tqdm

    tasks = [(name, basis) for name in lenses for basis in bases]
    with tqdm(tasks, desc="transmission", disable=not settings.show_progress()) as bar:
        answers = [
            Answer.of(name, lenses[name], basis, controls, names, shifts, shuffled, infinitesimal, batch_size)
            for name, basis in bar
        ]
    if infinitesimal and (steep := {answer.encoder for answer in answers if not np.isfinite(answer.small).all()}):
        msg = (
            f"encoder={list_some(sorted(steep))}: 'infinitesimal' is NaN or infinite, since a derivative is at control cells; a root "
            "or a logarithm meets a gene at zero. 'preserved' is not touched by it."
        )
        warnings.warn(msg, InputWarning, stacklevel=3)
    return answers


def _resamples(n: int, n_shifts: int, which: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """How often each resample takes each perturbation, and each row of control cells (as a share).

    A cell that several draws share is one cell: it comes, or stays away, in all of them.
    """
    shifts = rng.multinomial(n_shifts, np.full(n_shifts, 1 / n_shifts), size=n)
    n_cells = which.max() + 1
    cells = rng.multinomial(n_cells, np.full(n_cells, 1 / n_cells), size=n)[:, which].astype(float)
    return shifts.astype(float), cells / cells.sum(1, keepdims=True)
