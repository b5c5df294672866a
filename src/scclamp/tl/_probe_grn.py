"""`tl.probe_grn`: the network that a reconstructing model believes in, asked by probes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from scclamp import encoders
from scclamp._arguments import positions, read_rng, require_choice, require_whole
from scclamp._columns import unwrap
from scclamp._digest import dump_json
from scclamp._storage import own, require_room
from scclamp.tl._probe_methods import METHODS, Question
from scclamp.tl._probe_model import Model, genes_of, typical_state

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    from anndata import AnnData
    from mudata import MuData
    from numpy.typing import ArrayLike

    from scclamp.encoders import Encoder

    Map = torch.nn.Module | Callable[[torch.Tensor], torch.Tensor]


_PARTS = frozenset({"edges", "params"})


def probe_grn(
    adata: AnnData | MuData,
    encoder: Encoder | None = None,
    *,
    sources: str | Sequence[str] | None = None,
    targets: str | Sequence[str] | None = None,
    method: Literal["gradient", "virtual", "ensemble", "silencing", "embedding", "shift"] = "gradient",
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
    key_added: str = "probe_grn",
) -> pd.DataFrame:
    """Ask a model that reconstructs expression how each gene depends on each other one.

    Nothing is trained: what the papers call features of a pair are condensed into a strength and a sign. What a model has learned
    is which genes predict each other, not which regulate, so judge the edges against a known network with
    :func:`scclamp.metrics.network_recovery`.

    Parameters
    ----------
    adata
        Cells with log-normalised expression of the panel. MuData needs `mod`.
    encoder
        An encoder with `reconstruct(x)`; for `method="shift"` any encoder.
    sources, targets
        Genes whose edges are wanted; all by default.
    method
        `"gradient"`, Gradient Trajectory: slopes at a series of states; `"virtual"`, Virtual Value Perturbation: changes when the source is set
        to a series of values; `"ensemble"`, the mean of both, standardised. The older `"silencing"` sets the source to zero
        once; `"embedding"` compares embeddings of genes; `"shift"` compares how silencing either gene changes the
        representation of the cell. The last two know no direction.
    baseline
        State of the other genes: `"mean"`, the mean of the drawn cells, or one number for every gene as in the paper, which makes
        models and data sets comparable. With `"mean"`, `"gradient"` takes all genes together from zero to their mean.
    values
        Values of the source; by default `n_values` from zero to the 99th percentile of the expression that is not zero. They
        do not bear on `"gradient"` at the mean.
    n_values
        How many.
    reconstruct
        A torch module or function that reconstructs expression (n, genes), instead of an encoder's own.
    embeddings
        A vector for each gene of the panel (genes, d) for `method="embedding"`, instead of the encoder's `gene_embeddings`.
    n_cells
        Cells drawn for the mean.
    perturbation_key, control
        Column of `obs` with the perturbations and label of the control, to draw from control cells only; otherwise all cells
        are drawn from.
    layer
        Layer with log-normalised expression; `X` by default.
    mod
        Modality of a MuData; results are written to it.
    batch_size
        States at a time; raise it for small models, lower it when memory runs out.
    rng
        Seed or generator of the draw.
    key_added
        Key of `uns`.

    Returns
    -------
    One row per pair of two genes, the strongest first: `source`, `target`, `score` (to rank by; comparable within one call) and `sign`
    (1 raises, -1 lowers, 0 no answer). Pairs with a gene that the model does not know are left out with a warning. This field is written:

    `uns["probe_grn"]` : dict
        `edges`, that table; `params`.

    Examples
    --------
    >>> import torch
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> W = torch.zeros(adata.n_vars, adata.n_vars, dtype=torch.float64)
    >>> W[0, 5] = -2.0
    >>> edges = sc_c.tl.probe_grn(adata, reconstruct=lambda x: x @ W, sources=adata.var_names[0], rng=0)
    >>> edges["score"].iloc[0].item(), edges["sign"].iloc[0].item()
    (2.0, -1)
    """
    require_choice("method", method, METHODS)
    n_cells, n_values = require_whole("n_cells", n_cells), require_whole("n_values", n_values)
    batch_size = require_whole("batch_size", batch_size)
    target = unwrap(adata, mod).adata
    require_room(target, key_added, _PARTS, "tl.probe_grn")
    genes = genes_of(target, embeddings)
    for each in (encoder, reconstruct):
        encoders.require_panel(each, genes)
    model = Model.of(encoder, reconstruct, embeddings, method, len(genes))
    drawn = typical_state(adata, layer, mod, n_cells, perturbation_key, control, read_rng(rng))
    argument = "encoder" if reconstruct is None else "reconstruct"
    model.look([method], drawn.mean, argument=argument, stacklevel=2)
    question = Question.of(model, drawn, baseline, values, n_values, method, batch_size)
    rows, columns = positions("sources", sources, list(genes)), positions("targets", targets, list(genes))
    rows, columns = question.known(rows, genes, "sources"), question.known(columns, genes, "targets")
    score, sign = question.answer(method, rows, columns)
    edges = _tidy(np.asarray(genes, object), rows, columns, score, sign)
    params: dict[str, Any] = {"method": method, "baseline": baseline, "values": question.levels, "layer": layer}
    params |= {"n_cells": drawn.n_cells, "perturbation_key": perturbation_key, "model": model.name}
    params |= {"fingerprint": model.fingerprint}
    own(target)
    target.uns[key_added] = {"edges": edges, "params": dump_json(params)}
    return edges.copy()


def _tidy(
    genes: np.ndarray, rows: np.ndarray, columns: np.ndarray, score: np.ndarray, sign: np.ndarray
) -> pd.DataFrame:
    i, j = (rows[:, None] != columns[None, :]).nonzero()
    order = np.argsort(-score[i, j], kind="stable")
    i, j = i[order], j[order]
    table = {"source": genes[rows[i]], "target": genes[columns[j]], "score": score[i, j], "sign": sign[i, j]}
    return pd.DataFrame(table)
