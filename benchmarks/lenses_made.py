"""Lenses that need no training: they preserve everything, a part, other parts, and next to nothing of the regulatory signal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from scclamp.encoders import PCA, Encoder, Identity, as_encoder

UNITS = 64


def made(
    spread: np.ndarray, shifts: np.ndarray, mean: np.ndarray, components: Sequence[int], randoms: Sequence[int], of: str
) -> dict[str, Encoder]:
    """Identity, components of what varies, random projections, all but half of what perturbations do, and saturated units.

    Parameters
    ----------
    spread
        Rows whose principal components are taken, about their mean.
    shifts
        What perturbations do (perturbations, genes).
    mean
        Control.
    components, randoms
        How many of each; as many components as there are rows at most.
    of
        Whose components they are, in words.
    """
    rng = np.random.default_rng(0)
    axes = np.linalg.svd(spread - spread.mean(0), full_matrices=False)[2].T
    found: dict[str, Encoder] = {"identity": Identity()}
    for k in components:
        found[f"{k} components of {of}"] = PCA(axes[:, :k], mean)
    for k in randoms:
        found[f"{k} random directions"] = PCA(np.linalg.qr(rng.standard_normal((len(mean), k)))[0], mean)
    moved = np.linalg.svd(shifts, full_matrices=False)[2].T
    half = without(moved[:, : moved.shape[1] // 2])
    found["all but half of what perturbations do"] = as_encoder(half, name="without", affine=True)
    found[f"{UNITS} random saturated units"] = as_encoder(saturated(mean, rng), name="tanh")
    return found


def without(directions: np.ndarray):
    """States with some directions taken out."""
    V = torch.as_tensor(directions)
    return lambda x: x - (x @ V.to(x)) @ V.to(x).mT


def saturated(mean: np.ndarray, rng: np.random.Generator):
    """Random units that answer to little and then no more."""
    hidden = torch.as_tensor(rng.standard_normal((len(mean), UNITS)) / len(mean) ** 0.5)
    centre = torch.as_tensor(mean)
    return lambda x: torch.tanh(4 * (x - centre.to(x)) @ hidden.to(x))
