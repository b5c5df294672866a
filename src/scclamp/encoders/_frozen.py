"""What lenses of trained models over a vocabulary of genes have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from torch import nn

from scclamp._arguments import require_whole
from scclamp._device import read_device, require_precision
from scclamp.encoders._batches import in_batches
from scclamp.encoders._wrap import Wrapped

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import Tensor

    from scclamp.encoders._genes import GeneMapping


def placed[Map: nn.Module](function: Map, dtype: torch.dtype, device: str | torch.device) -> Map:
    """Bring a model to a precision and a device, or name what is none or is not here.

    Examples
    --------
    >>> import torch
    >>> placed(nn.Linear(3, 2), torch.float64, "cpu").weight.dtype
    torch.float64
    """
    return function.to(device=read_device(str(device)), dtype=require_precision(dtype))


class Frozen[Map: nn.Module]:
    """A frozen model that reads those genes of the panel that it knows, a few states at a time.

    Parameters
    ----------
    function
        The map from states of the panel to embeddings; it is put in evaluation mode, and its gradients are turned off.
    mapping
        Genes of the panel that the model knows.
    batch_size
        States encoded at a time; None for all, with everything kept.
    """

    name: str
    affine = False
    input: Literal["log", "counts"] = "log"

    def __init__(self, function: Map, mapping: GeneMapping, *, batch_size: int | None = 16) -> None:
        self.function: Map = function.eval().requires_grad_(False)
        self.mapping = mapping
        self.batch_size = None if batch_size is None else require_whole("batch_size", batch_size)

    def encode(self, x: Tensor) -> Tensor:
        """Encode states (..., genes) as (..., d)."""
        return self._in_batches(self.function, x)

    def fingerprint(self) -> str:
        """Digest of weights, genes and settings."""
        return Wrapped(self.function, name=self.name).fingerprint()

    def _in_batches(self, function: Callable[[Tensor], Tensor], x: Tensor, *, grow: bool = True) -> Tensor:
        n, like = len(self.mapping.genes), next(self.function.parameters())
        return in_batches(function, x, like, name=self.name, n_genes=n, batch_size=self.batch_size, grow=grow)

    def _over_panel(self, known: Tensor) -> np.ndarray:
        """Vectors of the genes that the model knows, in the order of the panel; NaN for the others."""
        found = np.full((len(self.mapping.genes), known.shape[1]), np.nan)
        found[self.mapping.at] = known.detach().double().cpu().numpy()
        return found
