"""Builders shared by the physics tests. Everything is float64 and drawn from a seed."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from scclamp.physics import (
    Additive,
    Dynamics,
    GeneralizedHill,
    Hill,
    HillOfSum,
    MassAction,
    MichaelisMenten,
    Network,
    NeuralDrift,
    Saturating,
)

KINDS = (
    "hill",
    "michaelis_menten",
    "generalized_hill",
    "mass_action",
    "saturating",
    "multi_regulator_hill",
    "neural_drift",
)


@pytest.fixture(scope="session")
def dense_oracle() -> ModuleType:
    """The dense implementation of the paper, of which there is one copy, beside the benchmarks."""
    path = Path(__file__).parents[2] / "benchmarks" / "dense_oracle.py"
    spec = importlib.util.spec_from_file_location("dense_oracle", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=KINDS)
def kind(request) -> str:
    """Every choice of kinetics in turn."""
    return request.param


def _network(kind: str, n_genes: int, rows: Tensor, batch: tuple[int, ...]) -> Dynamics:
    R = len(rows)
    if kind == "neural_drift":
        return NeuralDrift(n_genes, rows, hidden=4, batch_shape=batch)
    activation = {
        "michaelis_menten": lambda: MichaelisMenten(1.3, batch_shape=batch),
        "generalized_hill": lambda: GeneralizedHill(R, 1.7, 1.2, batch_shape=batch),
        "mass_action": MassAction,
        "multi_regulator_hill": MassAction,
    }.get(kind, lambda: Hill(2.0, 1.1, batch_shape=batch))()
    integration = Additive()
    if kind == "saturating":
        integration = Saturating(torch.linspace(0.8, 1.6, n_genes), 0.7, batch_shape=batch)
    if kind == "multi_regulator_hill":
        integration = HillOfSum(2.0, 1.5, batch_shape=batch)
    return Network(n_genes, rows, activation=activation, integration=integration, batch_shape=batch)


@pytest.fixture(scope="session")
def make():
    """Build random dynamics whose core is a contraction with states well inside the bounds."""

    def build(
        kind: str = "hill",
        *,
        R: int = 4,
        G: int = 7,
        batch: tuple[int, ...] = (),
        latent: int = 0,
        seed: int = 0,
        gain: float = 0.5,
        rows: Tensor | None = None,
    ) -> Dynamics:
        g = torch.Generator().manual_seed(seed)
        if rows is None:
            rows = torch.randperm(G, generator=g)[:R]
            rows[R - latent :] = -1
        dynamics = _network(kind, G, rows, batch).double()

        def draw(p: Tensor) -> Tensor:
            return torch.randn(p.shape, generator=g, dtype=torch.float64)

        with torch.no_grad():
            for name, p in dynamics.named_parameters():
                if name in ("A", "W1", "W2"):
                    p.copy_(gain / p.shape[-1] ** 0.5 * draw(p))
                elif name == "b":
                    p.copy_(1 + 0.2 * draw(p).tanh())
                elif p.requires_grad:
                    p.add_(0.1 * draw(p).tanh())
            if kind == "multi_regulator_hill":
                dynamics.A.copy_(0.3 + 0.5 * dynamics.A.abs())
        return dynamics

    return build


@pytest.fixture(scope="session")
def clamp():
    """Draw clamps of 0, 1, 2, ... regulators; latent ones are always clamped."""

    def draw(dynamics: Dynamics, C: int = 4, seed: int = 0, lead: tuple[int, ...] = ()) -> tuple[Tensor, Tensor]:
        g = torch.Generator().manual_seed(1000 + seed)
        R = len(dynamics.rows)
        order = torch.rand(*lead, C, R, generator=g).argsort(-1)
        mask = (order < (torch.arange(C) % (R + 1))[:, None]) | (dynamics.rows < 0)
        return mask, 0.3 + 2 * torch.rand(*lead, C, R, generator=g, dtype=torch.float64)

    return draw


@pytest.fixture(scope="session")
def gradients():
    """Gradients of a fixed nonlinear loss of the states with respect to all parameters and the clamp values."""

    def of(dynamics: Dynamics, value: Tensor, values: Tensor, *, split: bool = False) -> Tensor | list[Tensor]:
        weight = torch.linspace(-1, 1, value.shape[-1], dtype=value.dtype, device=value.device)
        wrt = [*(p for p in dynamics.parameters() if p.requires_grad), values]
        found = torch.autograd.grad((value.sin() * weight).sum(), wrt, allow_unused=True)
        found = [torch.zeros_like(p) if f is None else f for f, p in zip(found, wrt, strict=True)]
        return found if split else torch.cat([f.flatten() for f in found])

    return of


@pytest.fixture(scope="session")
def encoder() -> nn.Module:
    """A small nonlinear lens on 5 genes."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(5, 3), nn.Tanh(), nn.Linear(3, 2)).double().requires_grad_(False)


@pytest.fixture(scope="session")
def affine():
    """Members whose core map is affine: given spectra (members, R), normal matrices; returns the network and its states."""

    def build(spectra: Tensor, seed: int = 0) -> tuple[Network, Tensor]:
        g = torch.Generator().manual_seed(seed)
        B, R = spectra.shape
        basis = torch.linalg.qr(torch.randn(B, R, R, generator=g, dtype=torch.float64)).Q
        blocks = torch.zeros(B, R, R, dtype=torch.float64)
        for k in range(0, R, 2):
            a, b = spectra[:, k].real, spectra[:, k].imag
            c, d = spectra[:, k + 1].real, spectra[:, k + 1].imag
            blocks[:, k, k], blocks[:, k + 1, k + 1] = a, c
            blocks[:, k, k + 1], blocks[:, k + 1, k] = b, d
        network = Network(R, torch.arange(R), activation=MassAction((-math.inf, math.inf)), batch_shape=(B,)).double()
        M = basis @ blocks @ basis.mT
        state = torch.randn(B, 1, R, generator=g, dtype=torch.float64)
        with torch.no_grad():
            network.A.copy_(M)
            network.b.copy_((state - state @ M.mT).squeeze(1))
        return network, state

    return build
