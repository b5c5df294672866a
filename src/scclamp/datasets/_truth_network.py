"""A ground-truth network whose every clamped steady state exists, is unique, and is positive: by construction, not by luck.

Two facts carry it. First, the levels of the control are drawn, and the basal rates then follow, so that the control *is* a
fixed point and each gene's production stays positive under any clamps. Second, the regulators' own block is scaled until
``rho(|A_RR|) max h' / gamma`` is below a bound smaller than one: a contraction in a weighted maximum norm, whatever is clamped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scclamp.datasets._simulation_config import SimulationConfig

Floats = NDArray[np.float64]
TAIL = 2.5
"""Exponent of the power law of out-degrees; about that of transcription factors."""
LARGEST_SHARE = 0.5
"""No regulator has more than this share of all genes as targets."""
FLOOR = 0.1
"""Share of its control level that a gene keeps under the worst possible repression."""


@dataclass(frozen=True)
class TruthNetwork:
    """The parameters that generated a screen.

    Parameters
    ----------
    A, b
        Signed weights (genes, regulators) and basal rates (genes,).
    rows
        Row of each regulator among the genes.
    control
        Steady state without perturbation (genes,).
    clamps
        Value at which each regulator is held when it is perturbed (regulators,).
    n, K, gamma
        Hill kinetics and decay.
    """

    A: Floats
    b: Floats
    rows: NDArray[np.int64]
    control: Floats
    clamps: Floats
    n: float
    K: float
    gamma: float

    @property
    def contraction(self) -> float:
        """Bound of the spectral radius of the linearised core, over all states and all clamps."""
        core = np.abs(self.A[self.rows])
        return float(np.abs(np.linalg.eigvals(core)).max() * largest_slope(self.n, self.K) / self.gamma)


def hill(x: Floats, n: float, K: float) -> Floats:
    """Return ``x^n / (K^n + x^n)``."""
    return 1.0 / (1.0 + (K / x) ** n)


def largest_slope(n: float, K: float) -> float:
    """Return the supremum of h' over all positive states.

    Examples
    --------
    >>> round(largest_slope(2.0, 1.0), 4)
    0.6495
    """
    if n == 1.0:
        return 1.0 / K
    return (n * n - 1) / (4 * n * K) * ((n + 1) / (n - 1)) ** (1 / n)


def draw_network(config: SimulationConfig, rng: np.random.Generator) -> TruthNetwork:
    """Draw edges, signs, levels and doses, then scale for positivity and stability."""
    rows = np.sort(rng.choice(config.n_genes, config.n_regulators, replace=False)).astype(np.int64)
    edges = _draw_edges(config, rows, rng)
    # A gamma of shape 4 keeps most weights within a factor of three of each other.
    size = config.strength * rng.gamma(4.0, 0.25, edges.shape)
    A = np.where(edges, size * np.where(rng.random(edges.shape) < config.activating, 1.0, -1.0), 0.0)
    control = _draw_levels(config, rows, rng)
    A[rows] *= config.core_strength
    A[rows] *= _core_scale(A[rows], config)
    control = _make_room(A, control, rows, config)
    h = hill(control[rows], config.n, config.K)
    A = _keep_positive(A, h, config.gamma * control)
    clamps = _draw_clamps(config, control[rows], rng)
    b = config.gamma * control - A @ h
    return TruthNetwork(A, b, rows, control, clamps, config.n, config.K, config.gamma)


def _draw_edges(config: SimulationConfig, rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Power-law out-degrees, no self-loops, cascades from large regulators to small ones, planted feedback loops."""
    n_genes, n_regulators = config.n_genes, config.n_regulators
    # Stratified quantiles: the same heavy tail for every seed, so that the number of edges hardly varies.
    u = (rng.permutation(n_regulators) + rng.random(n_regulators)) / n_regulators
    degree = (1 - u) ** (-1 / (TAIL - 1))
    highest = max(1, int(LARGEST_SHARE * n_genes))
    degree = np.clip(np.rint(degree * config.density * n_genes / degree.mean()), 0, highest).astype(int)
    favour = max(1.0, 2 * config.core_degree / max(config.density * n_regulators, np.finfo(float).tiny))
    edges = np.zeros((n_genes, n_regulators), dtype=bool)
    rank = np.argsort(np.argsort(-degree, kind="stable"))
    for j, _row in enumerate(rows):
        weight = np.ones(n_genes)
        weight[rows] = favour * (rank > rank[j])
        k = min(degree[j], np.count_nonzero(weight))
        if k:
            edges[rng.choice(n_genes, k, replace=False, p=weight / weight.sum()), j] = True
    for ring in _draw_rings(np.argsort(rank), rng):
        edges[rows[np.roll(ring, -1)], ring] = True
    return edges


def _draw_rings(ranked: NDArray[np.int64], rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """One loop of two to four regulators in every five of neighbouring rank, so that loops stay local."""
    blocks = np.array_split(ranked, -(-len(ranked) // 5))
    return [rng.permutation(block)[: 2 + i % 3] for i, block in enumerate(blocks) if len(block) > 1]


def _draw_levels(config: SimulationConfig, rows: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """Log1p levels of the control: most genes low, a few high; regulators near half-activation or above it."""
    level = np.log1p(rng.lognormal(np.log(0.7), 1.0, config.n_genes))
    # Activation needs room above the regulators' level; interference needs something to remove.
    median = 0.7 if config.mode == "CRISPRa" else 1.6
    level[rows] = config.K * median * rng.lognormal(0.0, 0.4, config.n_regulators)
    return level


def _draw_clamps(config: SimulationConfig, level: Floats, rng: np.random.Generator) -> Floats:
    if config.mode == "CRISPRa":
        return level + config.resolved_dose * rng.lognormal(0.0, 0.25, len(level))
    # Efficacy differs between guides: the remaining share varies, and never exceeds what was there.
    remaining = np.minimum((1 - config.resolved_dose) * rng.lognormal(0.0, 0.4, len(level)), 1.0)
    return np.log1p(remaining * np.expm1(level))


def _make_room(A: Floats, control: Floats, rows: NDArray[np.int64], config: SimulationConfig) -> Floats:
    """Raise genes that their regulators could push below the floor: what is repressed has to be expressed.

    Regulators rise no further than half-activation, beyond which they would respond to little.
    """
    h = hill(control[rows], config.n, config.K)
    needed = _worst(A[rows], h) / (config.gamma * (1 - FLOOR))
    control = control.copy()
    control[rows] = np.maximum(control[rows], np.minimum(needed, config.K))
    readout = np.setdiff1d(np.arange(len(control)), rows)
    needed = _worst(A[readout], hill(control[rows], config.n, config.K)) / (config.gamma * (1 - FLOOR))
    control[readout] = np.maximum(control[readout], needed)
    return control


def _keep_positive(A: Floats, h: Floats, budget: Floats) -> Floats:
    """Shrink the inputs of regulators for which, their own levels being raised, the room is still too small."""
    share = (1 - FLOOR) * budget / np.maximum(_worst(A, h), np.finfo(float).tiny)
    return A * np.minimum(share, 1.0)[:, None]


def _worst(A: Floats, h: Floats) -> Floats:
    """Largest loss of production below the control that any clamps can cause, basal rate apart."""
    return np.maximum(A, 0) @ h + np.maximum(-A, 0) @ (1 - h)


def _core_scale(core: Floats, config: SimulationConfig) -> float:
    radius = np.abs(np.linalg.eigvals(np.abs(core))).max() * largest_slope(config.n, config.K) / config.gamma
    return float(min(1.0, config.feedback / radius)) if radius > 0 else 1.0
