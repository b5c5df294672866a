"""What `tl.probe_grn` asks, and at which state: the maps of a model, and the mean of some cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import torch

from scclamp import encoders
from scclamp._assignment import assign, require_shape
from scclamp._columns import unwrap
from scclamp._errors import InputError
from scclamp._source import open_layer, stored_by_rows
from scclamp._streaming import CHUNK_SIZE
from scclamp._values import peek, require_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anndata import AnnData

    Map = Callable[[torch.Tensor], torch.Tensor]

_GRADIENTS = frozenset({"gradient", "ensemble"})
"""Methods that ask for slopes."""


@dataclass(frozen=True, eq=False)
class Model:
    """Maps of a model, and where its parameters are.

    Parameters
    ----------
    name, fingerprint
        For the record.
    reconstruct, encode
        Map of states to expression and to representations, where there are such.
    embeddings
        A vector for each gene, where there are such.
    dtype, device
        Precision and place of states.
    """

    name: str
    fingerprint: str
    reconstruct: Map | None
    encode: Map | None
    embeddings: np.ndarray | None
    dtype: torch.dtype
    device: torch.device

    @classmethod
    def of(cls, encoder: Any, reconstruct: Any, embeddings: Any, method: str, n_genes: int) -> Self:
        """Take what the method needs, or say what is missing."""
        if encoder is None and reconstruct is None and embeddings is None:
            raise InputError(
                "encoder is None, and so is reconstruct. Pass an encoder, or a map of expression as reconstruct=."
            )
        lens = None if encoder is None else _as_lens(encoder, "encoder")
        own = getattr(lens, "reconstruct", None) if reconstruct is None else reconstruct
        if isinstance(own, encoders.Encoder) and not callable(own):
            own = own.encode
        # Representations are the encoder's, wherever expression is reconstructed.
        other = reconstruct is not None and (method != "shift" or lens is None)
        main = _as_lens(reconstruct, "reconstruct") if other else lens
        vectors = embeddings if embeddings is not None else getattr(encoder, "gene_embeddings", None)
        name = encoder.name if hasattr(encoder, "name") else main.name if main is not None else "embeddings"
        _require(method, name, own, lens, vectors)
        dtype, device = (torch.float64, torch.device("cpu")) if main is None else encoders.placement(main)
        digest = "" if main is None else main.fingerprint()
        encode = None if lens is None else lens.encode
        return cls(name, digest, own, encode, _vectors(vectors, n_genes, method), dtype, device)

    def look(self, methods: Iterable[str], state: np.ndarray, *, argument: str, stacklevel: int) -> None:
        """Refuse maps that fail, and warn of those that answer by chance.

        Parameters
        ----------
        methods
            What will be asked.
        state
            A typical state (genes,).
        argument
            What messages call the model.
        stacklevel
            Frames up to the user's.
        """
        maps = {self.encode if name == "shift" else self.reconstruct for name in methods if name != "embedding"}
        gradients = not _GRADIENTS.isdisjoint(methods)
        x = torch.as_tensor(np.stack([state, state / 2]), dtype=self.dtype, device=self.device)
        for ask in maps - {None}:
            lens = encoders.Wrapped(ask, name=self.name)  # type: ignore[arg-type]
            encoders.look_twice(lens, x, argument=argument, gradients=gradients, stacklevel=stacklevel + 1)


def _as_lens(given: Any, argument: str) -> encoders.Encoder:
    if isinstance(given, str) or not (callable(given) or isinstance(given, encoders.Encoder)):
        raise InputError(
            f"{argument}={given!r} is no map of a tensor. Pass an encoder object, a torch module or a function."
        )
    return encoders.as_encoder(given)


def _require(method: str, name: str, reconstruct: Any, encode: Any, vectors: Any) -> None:
    if method == "embedding":
        if vectors is None:
            raise InputError(
                f"method='embedding' needs a vector for each gene, but {name!r} has no gene_embeddings. Pass embeddings=, or use "
                "method='shift', which needs none."
            )
    elif method == "shift":
        if encode is None:
            raise InputError("method='shift' compares representations of cells. Pass an encoder.")
    elif not callable(reconstruct):
        raise InputError(
            f"encoder={name!r} has no reconstruct(x), a map of states (n, genes) to reconstructed expression (n, genes), which "
            f"method={method!r} asks. Pass one as reconstruct=, or use method='shift', which needs none."
        )


def _vectors(given: Any, n_genes: int, method: str) -> np.ndarray | None:
    if method != "embedding":
        return None
    try:
        # A copy, since the values of a table may not be written to, of which torch warns.
        vectors = np.array(
            given.detach().double().cpu().numpy() if isinstance(given, torch.Tensor) else given, np.float64
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"embeddings is no table of numbers ({error}). Give a row for each gene, dense.") from error
    if vectors.ndim != 2 or len(vectors) != n_genes:
        raise InputError(
            f"embeddings has shape {vectors.shape}. Give one row for each of the {n_genes} genes of adata."
        )
    return vectors


@dataclass(frozen=True, eq=False)
class Drawn:
    """What is known of the drawn cells: their mean, the top of their expression, and how many they are."""

    mean: np.ndarray
    top: float
    n_cells: int


def genes_of(adata: AnnData, embeddings: Any) -> pd.Index:
    """Names of the genes, each of which is there once, and in whose order a table of embeddings must be where it names them."""
    require_shape(adata)
    genes = adata.var_names.astype(str)
    named = embeddings.index if isinstance(embeddings, pd.DataFrame) else None
    if named is not None and not isinstance(named, pd.RangeIndex) and list(map(str, named)) != list(genes):
        raise InputError(
            "embeddings has rows of other genes than adata, or in another order. Pass embeddings.loc[adata.var_names]."
        )
    return genes


def typical_state(
    data: Any, layer: str | None, mod: str | None, n_cells: int, key: str | None, control: Any, rng: np.random.Generator
) -> Drawn:
    """Mean of some cells, drawn without replacement; of control cells where a column of perturbations is named."""
    adata = unwrap(data, mod).adata
    require_values(adata, layer, peek(adata, layer))
    if key is None and control is not None:
        raise InputError(f"control={control!r} without perturbation_key. Name the column of obs that holds the labels.")
    known = np.arange(adata.n_obs)
    if key is not None:
        cells = assign(data, perturbation_key=key, control=control, mod=mod, train_fraction=1.0, rng=0)
        known = np.flatnonzero((cells.codes == 0) & (cells.roles >= 0))
    wanted = np.zeros(adata.n_obs, bool)
    wanted[rng.choice(known, min(n_cells, len(known)), replace=False)] = True
    blocks = stored_by_rows(open_layer(adata, layer)).blocks(CHUNK_SIZE, wanted)
    parts = [block[np.flatnonzero(wanted[at])] for at, block in blocks]
    rows = np.concatenate([np.asarray(p.toarray() if hasattr(p, "toarray") else p, np.float64) for p in parts])
    if not np.isfinite(rows).all() or not rows.any():
        raise InputError("adata: the drawn cells express no gene, or hold a NaN or an infinity. Check the layer.")
    return Drawn(rows.mean(0), float(np.percentile(rows[rows > 0], 99)), len(rows))
