"""`tl.probe_features`: what a model answers to every probe, as features of pairs for a translator."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from scclamp import encoders
from scclamp._arguments import positions, read_rng, require_choice, require_whole
from scclamp._columns import unwrap
from scclamp._errors import InputError
from scclamp.probes import PairFeatures
from scclamp.tl._probe_methods import METHODS, Question, read_values
from scclamp.tl._probe_model import Model, genes_of, typical_state

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    from anndata import AnnData
    from mudata import MuData
    from numpy.typing import ArrayLike

    from scclamp.encoders import Encoder
    from scclamp.tl._probe_model import Drawn

    Map = torch.nn.Module | Callable[[torch.Tensor], torch.Tensor]

_SINGLE = tuple(method for method in METHODS if method != "ensemble")
_VIRTUAL = ("gradient", "virtual")
"""Probes with states of their own; the others ask at the mean of cells."""
_OF_EXPRESSION = (*_VIRTUAL, "silencing")
"""Probes that ask what is reconstructed."""


def probe_features(
    adata: AnnData | MuData,
    encoder: Encoder | None = None,
    *,
    sources: str | Sequence[str] | None = None,
    targets: str | Sequence[str] | None = None,
    methods: Sequence[Literal["gradient", "virtual", "silencing", "embedding", "shift"]] | None = None,
    baseline: Literal["mean"] | float = "mean",
    values: Sequence[float] | None = None,
    n_values: int = 8,
    reconstruct: Map | None = None,
    embeddings: ArrayLike | None = None,
    n_cells: int = 64,
    perturbation_key: str | None = None,
    control: str | Sequence[str] | None = None,
    layer: str | None = None,
    mod: str | None = None,
    batch_size: int = 32,
    rng: int | np.random.Generator | None = None,
) -> PairFeatures:
    """Ask a model every probe, and keep the answers themselves for a translator to learn from.

    `tl.probe_grn` condenses what a probe says of a pair into one number; here both are kept. Label the pairs by a known network,
    train on some data sets and ask on others by :func:`scclamp.probes.leave_out`, and judge by
    :func:`scclamp.metrics.transfer_recovery`. Nothing is written.

    Parameters
    ----------
    adata
        Cells with log-normalised expression of the panel. MuData needs `mod`.
    encoder
        An encoder, with `reconstruct(x)` for all methods but the last two.
    sources, targets
        Genes whose pairs are wanted; all by default.
    methods
        As in `tl.probe_grn`; all that the model can answer by default. Features are slopes at each state (`"gradient"`), changes at each
        value (`"virtual"`), the change when the source is silenced (`"silencing"`), and the sum of the embeddings (`"embedding"`) or of the
        changes of the cell's representation (`"shift"`) of both genes. A sum is the same in both directions, so the last two
        cannot tell a source from its target.
    baseline
        State of the other genes for `"gradient"` and `"virtual"`, as in `tl.probe_grn`; the other methods ask at the mean of the drawn cells.
    values, n_values
        Values of the source, or how many. With one data set's values the features of another are the same questions, so name
        them where data sets differ in their range. At the mean, `"gradient"` takes only their number.
    reconstruct
        A torch module or function that reconstructs expression (n, genes), instead of an encoder's own.
    embeddings
        A vector for each gene of the panel (genes, d), instead of the encoder's `gene_embeddings`.
    n_cells
        Cells drawn for the mean.
    perturbation_key, control
        Column of `obs` with the perturbations and label of the control, to draw from control cells only.
    layer
        Layer with log-normalised expression; `X` by default.
    mod
        Modality of a MuData.
    batch_size
        States at a time.
    rng
        Seed or generator of the draw.

    Returns
    -------
    Pairs of two different genes with `features` and scores of the form `"origin"` (the strengths of `tl.probe_grn`), without labels.
    Pairs with a gene that the model does not know for one of the methods are left out with a warning.

    Examples
    --------
    >>> import torch
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> W = torch.rand(adata.n_vars, adata.n_vars, dtype=torch.float64)
    >>> pairs = sc_c.tl.probe_features(adata, reconstruct=lambda x: x @ W, sources=["REG01", "REG02"], rng=0)
    >>> {name: values.shape for name, values in pairs.features.items()}
    {'gradient': (118, 8), 'virtual': (118, 8), 'silencing': (118, 1)}
    """
    n_cells, batch_size = require_whole("n_cells", n_cells), require_whole("batch_size", batch_size)
    n_values = require_whole("n_values", n_values) if values is None else len(read_values(values))
    genes = genes_of(unwrap(adata, mod).adata, embeddings)
    asked_for = [methods] if isinstance(methods, str) else methods
    chosen = _available(encoder, reconstruct, embeddings) if asked_for is None else list(dict.fromkeys(asked_for))
    for method in chosen:
        require_choice("methods", method, _SINGLE)
    if not chosen:
        raise InputError("methods is empty. Name at least one, or leave it out for all.")
    for each in (encoder, reconstruct):
        encoders.require_panel(each, genes)
    drawn = typical_state(adata, layer, mod, n_cells, perturbation_key, control, read_rng(rng))
    models = {method: Model.of(encoder, reconstruct, embeddings, method, len(genes)) for method in chosen}
    argument = "encoder" if reconstruct is None else "reconstruct"
    # The encoder may be in another precision than what reconstructs.
    of_expression, of_cells = [m for m in chosen if m in _OF_EXPRESSION], [m for m in chosen if m == "shift"]
    for some, what in ((of_expression, argument), (of_cells, "encoder")):
        if some:
            models[some[0]].look(some, drawn.mean, argument=what, stacklevel=2)
    asked = {
        method: _question(model, drawn, baseline, values, n_values, method, batch_size)
        for method, model in models.items()
    }
    everywhere = np.logical_and.reduce([question.knows for question in asked.values()])
    first = replace(next(iter(asked.values())), knows=everywhere)
    rows, columns = (
        first.known(positions(name, given, list(genes)), genes, name)
        for name, given in (("sources", sources), ("targets", targets))
    )
    found = {method: question.features(method, rows, columns) for method, question in asked.items()}
    features, strengths = ({method: each[part] for method, each in found.items()} for part in (0, 1))
    return PairFeatures.of(list(genes[rows]), list(genes[columns]), features, strengths)


def _question(
    model: Model, drawn: Drawn, baseline: Any, values: Any, n_values: int, method: str, batch_size: int
) -> Question:
    at = baseline if method in _VIRTUAL else "mean"
    # Along the way to the mean there is nothing to set to a value.
    levels = None if method != "virtual" and at == "mean" else values
    return Question.of(model, drawn, at, levels, n_values, method, batch_size)


def _available(encoder: Any, reconstruct: Any, embeddings: Any) -> list[str]:
    """Methods that a model can answer."""
    found: list[str] = []
    if reconstruct is not None or callable(getattr(encoder, "reconstruct", None)):
        found += _OF_EXPRESSION
    if embeddings is not None or getattr(encoder, "gene_embeddings", None) is not None:
        found.append("embedding")
    if encoder is not None:
        found.append("shift")
    if not found:
        raise InputError(
            "encoder is None, and so is reconstruct. Pass an encoder, or a map of expression as reconstruct=."
        )
    return found
