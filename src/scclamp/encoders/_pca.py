"""Principal components of control cells, found without ever making a sparse matrix dense."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from scclamp._arguments import read_rng, require_whole
from scclamp._assignment import assign
from scclamp._columns import unwrap
from scclamp._errors import InputError
from scclamp._source import open_layer, stored_by_rows
from scclamp._split import TRAIN
from scclamp._streaming import CHUNK_SIZE
from scclamp._values import peek, require_values
from scclamp.encoders._encoder import digest
from scclamp.encoders._finite import require_real

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Self

    from torch import Tensor

    from scclamp._assignment import Assignment

EXACT_UP_TO = 5000
"""Genes up to which the covariance matrix is formed and decomposed exactly."""
_OVERSAMPLING = 20
_POWER_STEPS = 4


class PCA:
    """Project states onto the top principal components of control cells, ``(x - mean) V``.

    Parameters
    ----------
    components
        Orthonormal directions V (genes, d).
    mean
        Control mean (genes,).
    panel
        Names of the genes, in their order; data of others are refused where they are told.

    Examples
    --------
    >>> import numpy as np, torch
    >>> pca = PCA(np.eye(3)[:, :2], np.zeros(3))
    >>> pca.encode(torch.tensor([1.0, 2.0, 3.0]))
    tensor([1., 2.])
    """

    name = "pca"
    affine = True
    input = "log"

    def __init__(self, components: np.ndarray, mean: np.ndarray, panel: Iterable[str] | None = None) -> None:
        if components.ndim != 2 or mean.shape != components.shape[:1]:
            msg = f"components of shape {components.shape} and mean of shape {mean.shape} do not fit. Pass (genes, d), (genes,)."
            raise InputError(msg)
        self.components = np.asarray(components, dtype=np.float64)
        self.mean = np.asarray(mean, dtype=np.float64)
        self.panel = None if panel is None else tuple(map(str, panel))
        self._tensors: dict[tuple[torch.dtype, torch.device], tuple[Tensor, Tensor]] = {}

    def encode(self, x: Tensor) -> Tensor:
        """Encode states (..., genes)."""
        require_real(x, self.name)
        key = (x.dtype, x.device)
        if key not in self._tensors:
            pair = (torch.as_tensor(a, dtype=x.dtype, device=x.device) for a in (self.components, self.mean))
            self._tensors[key] = tuple(pair)  # type: ignore[assignment]
        components, mean = self._tensors[key]
        return (x - mean) @ components

    def fingerprint(self) -> str:
        """Digest of everything that decides the output."""
        return digest(self.name, self.components, self.mean)

    @classmethod
    def from_data(
        cls,
        data: Any,
        *,
        cells: Assignment | None = None,
        perturbation_key: str | None = None,
        control: str | Sequence[str] | None = None,
        layer: str | None = None,
        mod: str | None = None,
        n_components: int = 512,
        rng: int | np.random.Generator | None = None,
        chunk_size: int = CHUNK_SIZE,
    ) -> Self:
        """Find the components of the control cells that train.

        Parameters
        ----------
        data
            AnnData or MuData.
        cells
            Condition and role of every observation; by default all control cells count, found as `tl.fit` finds them.
        perturbation_key, control
            Where the labels are, as in `tl.fit`, where `cells` are not given.
        layer, mod
            Where the expression is.
        n_components
            Number of components; at most one less than there are cells, and as many as there are genes.
        rng
            Seed or generator of the randomised decomposition, used only for very many genes.
        chunk_size
            Rows held at a time.

        Examples
        --------
        >>> import scclamp as sc_c
        >>> adata = sc_c.datasets.simulated("tiny")
        >>> ten = sc_c.encoders.PCA.from_data(adata, n_components=10)
        >>> ten.components.shape
        (60, 10)
        """
        n_components = require_whole("n_components", n_components)
        if cells is None:
            cells = assign(data, perturbation_key=perturbation_key, control=control, mod=mod, train_fraction=1.0, rng=0)
        chosen = (cells.codes == 0) & (cells.roles == TRAIN)
        n = int(chosen.sum())
        if n < 2:
            msg = (
                f"encoder='pca' needs at least 2 control cells to train on, but there are {n}: one row per condition has no "
                "spread. Use encoder='identity', or pass PCA(components, mean) found elsewhere."
            )
            raise InputError(msg)
        target = unwrap(data, mod).adata
        require_values(target, layer, peek(target, layer))
        source = stored_by_rows(open_layer(target, layer))

        def blocks() -> Iterator[Any]:
            for at, block in source.blocks(chunk_size, chosen):
                here = chosen[at]
                yield block if here.sum() == block.shape[0] else block[np.flatnonzero(here)]

        mean = np.sum([np.asarray(b.sum(0, dtype=np.float64)).ravel() for b in blocks()], axis=0) / n
        d = min(n_components, n - 1, len(mean))
        exact = len(mean) <= EXACT_UP_TO
        components = _exact(blocks, mean, n, d) if exact else _randomised(blocks, mean, d, read_rng(rng))
        return cls(components, mean, target.var_names)


def _exact(blocks: Any, mean: np.ndarray, n: int, d: int) -> np.ndarray:
    """Leading eigenvectors of the covariance, accumulated block by block."""
    gram = np.zeros((len(mean), len(mean)))
    for block in blocks():
        wide = block.astype(np.float64)
        product = wide.T @ wide
        gram += product.toarray() if hasattr(product, "toarray") else product
    _, vectors = np.linalg.eigh(gram - n * np.outer(mean, mean))
    return _signed(vectors[:, ::-1][:, :d])


def _randomised(blocks: Any, mean: np.ndarray, d: int, rng: np.random.Generator) -> np.ndarray:
    """Leading right singular vectors by subspace iteration; centring is applied to products, never to the matrix."""
    Q = np.linalg.qr(rng.standard_normal((len(mean), min(d + _OVERSAMPLING, len(mean)))))[0]
    for _ in range(_POWER_STEPS):
        Q = np.linalg.qr(_covariance_times(blocks, mean, Q))[0]
    small = Q.T @ _covariance_times(blocks, mean, Q)
    _, vectors = np.linalg.eigh((small + small.T) / 2)
    return _signed((Q @ vectors[:, ::-1])[:, :d])


def _covariance_times(blocks: Any, mean: np.ndarray, Q: np.ndarray) -> np.ndarray:
    total = np.zeros_like(Q)
    shift = mean @ Q
    for block in blocks():
        projected = block @ Q - shift
        total += block.T @ projected - np.outer(mean, projected.sum(0))
    return total


def _signed(vectors: np.ndarray) -> np.ndarray:
    """Fix each vector's sign by its largest entry, so that runs and machines agree."""
    largest = np.abs(vectors).argmax(0)
    return vectors * np.sign(vectors[largest, np.arange(vectors.shape[1])])
