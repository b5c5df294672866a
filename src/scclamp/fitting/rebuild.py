"""From a fitted network to plain arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from scclamp.fitting.config import FitConfig
from scclamp.fitting.model import build
from scclamp.fitting.problem import FitProblem
from scclamp.physics import Dynamics, Network

_POSITIONS = ("rows", "measured")


def to_arrays(dynamics: Dynamics) -> dict[str, np.ndarray]:
    """Every parameter and constant by name, members first."""
    state = dynamics.state_dict()
    return {name: value.detach().cpu().numpy() for name, value in state.items() if name not in _POSITIONS}


def from_arrays(
    arrays: Mapping[str, np.ndarray], rows: np.ndarray, config: FitConfig, *, device: str = "cpu"
) -> Dynamics:
    """Dynamics that a configuration describes, with the parameters that `to_arrays` returned.

    Parameters
    ----------
    arrays
        Parameters by name, members first.
    rows
        Row of each regulator among the genes; -1 is latent.
    config
        Settings of the fit.
    device
        Where the tensors go.
    """
    n_members, n_genes = arrays["b"].shape
    dtype = getattr(torch, config.dtype)
    empty = torch.zeros(n_members, 1, n_genes, dtype=dtype)
    index = torch.as_tensor(rows, dtype=torch.int64)
    shell = FitProblem(index, empty.bool(), empty, empty, empty, empty, _unused)
    # K is overwritten below; naming one keeps the build from looking for expression that is not there.
    dynamics = build(shell, config.replace(K=1.0), n_members)
    state = {name: torch.as_tensor(np.asarray(value)) for name, value in arrays.items()}
    dynamics.load_state_dict(state | {name: getattr(dynamics, name) for name in _POSITIONS})
    return dynamics.requires_grad_(False).to(device)


def _unused(x: Tensor) -> Tensor:
    return x


def effective_weights(dynamics: Dynamics) -> Tensor:
    """Weights A (*members, genes, regulators); for a drift without any, its derivative at rest, which plays their part."""
    if isinstance(dynamics, Network):
        return dynamics.A.detach()
    rest = dynamics.rest().detach().requires_grad_()
    production = dynamics.production(rest)[..., 0, :]
    rows = []
    for i in range(production.shape[-1]):
        # Members do not mix, so one backward pass per gene serves all of them.
        (row,) = torch.autograd.grad(production[..., i].sum(), rest, retain_graph=True)
        rows.append(row[..., 0, :])
    return torch.stack(rows, -2)
