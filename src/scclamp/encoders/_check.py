"""Four checks that an encoder passes before a network is fitted through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp._arguments import read_rng, require_whole
from scclamp._assignment import assign
from scclamp._columns import unwrap
from scclamp._errors import InputError
from scclamp._source import open_layer, stored_by_rows
from scclamp._streaming import CHUNK_SIZE, grouped_sums, selector
from scclamp._values import peek, require_values
from scclamp.encoders import _diagnostics as diagnostics
from scclamp.encoders._panel import require_panel
from scclamp.encoders._report import Report
from scclamp.encoders._rows import encode_rows
from scclamp.encoders._trial import try_out_rows
from scclamp.encoders._wrap import as_encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    from anndata import AnnData
    from mudata import MuData

    from scclamp._assignment import Assignment
    from scclamp._source import Source
    from scclamp.encoders._encoder import Encoder

MAX_PERTURBATIONS = 50
"""More add nothing to a verdict, and a large model takes long."""
MIN_CELLS = 8
"""Cells of a perturbation, for halves that have a mean worth the name."""
CONTROL_FACTOR = 4
"""How many times more control cells are taken, since their noise is in every shift."""
N_STATES = 8
"""States at which gradients are taken, and that are encoded one by one."""
_BATCH = 64


def check(
    encoder: Encoder | torch.nn.Module | Callable[[torch.Tensor], torch.Tensor],
    adata: AnnData | MuData,
    *,
    perturbation_key: str | None = None,
    control: str | Sequence[str] | None = None,
    layer: str | None = None,
    mod: str | None = None,
    n_cells: int = 64,
    reference: tuple[np.ndarray, np.ndarray] | None = None,
    rng: int | np.random.Generator | None = None,
) -> Report:
    """Judge an encoder on a screen: do gradients flow, does it see perturbations, tell them apart, and repeat itself.

    Gene space is measured beside it, so that a fault of the data is not taken for one of the encoder. Where there are cells, each
    perturbation's are split in two halves; where there is one row for each condition, the rows themselves are compared.

    Parameters
    ----------
    encoder
        What is judged: an encoder, a module or a function.
    adata
        Log-normalised cells, or one row for each condition. MuData needs `mod`.
    perturbation_key, control, layer, mod
        Where the labels and the expression are, as in `tl.fit`.
    n_cells
        Most cells taken of each of at most 50 perturbations; of the control four times as many.
    reference
        States (n, genes) and their published encodings (n, d), to be reproduced.
    rng
        Draws perturbations and cells.

    Returns
    -------
    The report; print it, ask `passed`, or take its `table`.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.encoders.check(sc_c.encoders.Identity(), adata, rng=0).passed
    True
    """
    require_whole("n_cells", n_cells)
    encoder, rng = as_encoder(encoder), read_rng(rng)
    given = None if reference is None else _read_reference(reference)
    cells = assign(adata, perturbation_key=perturbation_key, control=control, mod=mod, train_fraction=1.0)
    target = unwrap(adata, mod).adata
    require_values(target, layer, peek(target, layer))
    require_panel(encoder, target.var_names)
    source = stored_by_rows(open_layer(target, layer))
    drawn = _draw(source, cells, n_cells, rng)
    states = drawn.controls[:N_STATES]
    try_out_rows(encoder, states)
    if drawn.perturbed:
        halves, controls = drawn.shifts(lambda rows: _in_batches(encoder, rows))
        in_genes = drawn.shifts(lambda rows: rows)
        seen = [
            diagnostics.sensitivity(halves, controls, in_genes),
            diagnostics.discriminability(halves, in_genes[0]),
        ]
    else:
        means = _means(source, cells)
        states = means[:N_STATES]
        seen = _seen_in_means(encoder, means)
    repeated = diagnostics.reproducibility(encoder, states)
    rows = [diagnostics.gradient_flow(encoder, states, rng), *seen, *repeated, *diagnostics.precision(encoder, states)]
    rows += _straight(encoder, states, repeated)
    if given is not None:
        rows.append(diagnostics.reproduces(encoder, *given))
    return Report.of(encoder.name, rows)


def quick_check(encoder: Encoder, means: np.ndarray, *, gradients: bool = True) -> Report:
    """Judge an encoder by a few means, the first of which is the control's: what a fit can afford to look at.

    Of what is said to be affine it is asked whether it is, whether gradients arrive at all, and chance.

    Parameters
    ----------
    encoder
        What is judged.
    means
        Mean expression (conditions, genes).
    gradients
        Whether gradients will be wanted.
    """
    few = means[: N_STATES + 1]
    rows = [diagnostics.gradient_flow(encoder, few, np.random.default_rng(0))] if gradients else []
    repeated = diagnostics.reproducibility(encoder, few)
    if encoder.affine:
        still = [row for row in rows if row[1] == 0]
        return Report.of(encoder.name, [*still, repeated[0], *_straight(encoder, few, repeated)])
    if len(few) > 1:
        rows.append(diagnostics.sensitivity_of_means(encoder, few))
    return Report.of(encoder.name, [*rows, *repeated])


def _straight(encoder: Encoder, states: np.ndarray, repeated: list[diagnostics.Row]) -> list[diagnostics.Row]:
    """Whether an encoder that says it is affine is so; chance and NaN have been named before."""
    return [diagnostics.affinity(encoder, states)] if encoder.affine and repeated[0][4] else []


@dataclass(frozen=True)
class _Drawn:
    """Dense cells of the control, and of each perturbation that has enough."""

    controls: np.ndarray
    perturbed: list[np.ndarray]

    def shifts(self, encode: Callable[[np.ndarray], np.ndarray]) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
        """Mean encoded shifts of the even and of the odd cells (perturbations, d), and encodings of the control cells."""
        controls = encode(self.controls)
        encoded = [encode(rows) for rows in self.perturbed]
        one, other = (np.stack([e[i::2].mean(0) for e in encoded]) - controls[i::2].mean(0) for i in (0, 1))
        return (one, other), controls


def _draw(source: Source, cells: Assignment, n_cells: int, rng: np.random.Generator) -> _Drawn:
    counts = np.bincount(cells.codes[cells.codes >= 0], minlength=len(cells.names))
    enough = np.flatnonzero((counts >= MIN_CELLS) & (np.arange(len(counts)) > 0))
    if counts[0] < MIN_CELLS or n_cells < MIN_CELLS:
        enough = enough[:0]
    chosen = np.sort(rng.permutation(enough)[:MAX_PERTURBATIONS])

    def some(code: int, most: int) -> np.ndarray:
        return rng.permutation(np.flatnonzero(cells.codes == code))[:most]

    wanted = [some(0, CONTROL_FACTOR * n_cells), *(some(code, n_cells) for code in chosen)]
    dense = _rows_of(source, np.concatenate(wanted))
    parts = np.split(dense, np.cumsum([len(rows) for rows in wanted])[:-1])
    return _Drawn(parts[0], parts[1:])


def _rows_of(source: Source, wanted: np.ndarray) -> np.ndarray:
    """Some rows, dense and in the order asked for, from a source that may be on disk."""
    dense = np.zeros((len(wanted), source.shape[1]))
    used = np.zeros(source.shape[0], bool)
    used[wanted] = True
    for at, block in source.blocks(CHUNK_SIZE, used):
        here = np.flatnonzero((wanted >= at.start) & (wanted < at.stop))
        rows: Any = block[wanted[here] - at.start]
        dense[here] = rows.toarray() if hasattr(rows, "toarray") else rows
    return dense


def _means(source: Source, cells: Assignment) -> np.ndarray:
    sums, _ = grouped_sums(source, selector(cells.codes, len(cells.names)))
    return sums / np.bincount(cells.codes[cells.codes >= 0], minlength=len(cells.names))[:, None]


def _seen_in_means(encoder: Encoder, means: np.ndarray) -> list[diagnostics.Row]:
    if len(means) < 2:
        msg = "adata has no perturbed observation, so that an encoder cannot be judged by it. Pass the whole screen."
        raise InputError(msg)
    return [diagnostics.sensitivity_of_means(encoder, means), diagnostics.discriminability_of_means(encoder, means)]


def _in_batches(encoder: Encoder, rows: np.ndarray) -> np.ndarray:
    return np.concatenate([encode_rows(encoder, rows[i : i + _BATCH]) for i in range(0, len(rows), _BATCH)])


def _read_reference(reference: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    try:
        inputs, outputs = (np.asarray(each, dtype=np.float64) for each in reference)
    except (TypeError, ValueError) as error:
        msg = f"reference is not a pair of arrays ({error}). Pass (states, encodings), of shapes (n, genes) and (n, d)."
        raise InputError(msg) from error
    if inputs.ndim != 2 or outputs.ndim != 2 or len(inputs) != len(outputs) or not len(inputs):
        msg = f"reference has shapes {inputs.shape} and {outputs.shape}. Pass (n, genes) and (n, d), of the same n."
        raise InputError(msg)
    return inputs, outputs
