"""The ground truth: sparse, signed, heavy-tailed, looped, contractive and positive, for every seed tried."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import optimize, sparse
from scipy.sparse import csgraph

from scclamp.datasets._simulation_config import PRESETS
from scclamp.datasets._truth_network import FLOOR, draw_network, hill, largest_slope


@pytest.fixture(
    params=[("tiny", "CRISPRa"), ("tiny", "CRISPRi"), ("demo", "CRISPRa"), ("demo", "CRISPRi")], ids="-".join
)
def config(request):
    preset, mode = request.param
    return dataclasses.replace(PRESETS[preset], mode=mode)


@pytest.fixture(params=range(3))
def truth(request, config):
    return draw_network(config, np.random.default_rng(request.param))


def test_control_is_the_fixed_point_of_the_parameters(truth):
    image = (truth.b + truth.A @ hill(truth.control[truth.rows], truth.n, truth.K)) / truth.gamma
    np.testing.assert_allclose(image, truth.control, rtol=1e-12)


def test_no_self_loops_and_both_signs(truth, config):
    assert not truth.A[truth.rows, np.arange(len(truth.rows))].any()
    edges = truth.A != 0
    # Planted loops add at most two fifths of an edge per regulator and two.
    assert abs(edges.sum() - config.density * edges.size) <= 0.15 * config.density * edges.size + 10
    share = (truth.A > 0).sum() / edges.sum()
    assert abs(share - config.activating) < 5 * np.sqrt(0.25 / edges.sum())


def test_out_degree_is_heavy_tailed():
    config = dataclasses.replace(PRESETS["demo"], n_genes=4000, n_regulators=200, density=0.02)
    degree = np.sort((draw_network(config, np.random.default_rng(0)).A != 0).sum(axis=0))
    assert degree[-1] > 8 * np.median(degree)
    # The log of the survival function falls with slope 1 - TAIL in the log of the degree.
    survival = 1 - np.arange(len(degree)) / len(degree)
    inner = (degree > np.median(degree)) & (survival > 0.03)
    slope = np.polyfit(np.log(degree[inner]), np.log(survival[inner]), 1)[0]
    assert -1.9 < slope < -1.1


def test_feedback_loops_among_regulators(truth):
    core = sparse.csr_matrix(truth.A[truth.rows] != 0)
    _, component = csgraph.connected_components(core, directed=True, connection="strong")
    assert (np.bincount(component) > 1).sum() >= 2


def test_core_is_a_contraction_under_any_clamps(truth, config):
    """Power iteration on the bounding matrix, then linearisations at random states under random clamps."""
    bound = np.abs(truth.A[truth.rows]) * largest_slope(truth.n, truth.K) / truth.gamma
    v = np.ones(len(bound))
    for _ in range(2000):
        v = bound @ v + v
        v /= v.max()
    assert ((bound @ v + v) / v).max() - 1 <= config.feedback + 1e-3
    assert truth.contraction <= config.feedback + 1e-9
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, free = rng.uniform(0.01, 5, len(bound)), rng.random(len(bound)) < 0.8
        h = hill(x, truth.n, truth.K)
        jacobian = truth.A[truth.rows] * (truth.n / x * h * (1 - h)) * free[:, None] / truth.gamma
        assert np.abs(np.linalg.eigvals(jacobian)).max() <= truth.contraction + 1e-9


def test_no_clamps_can_push_a_gene_below_its_floor(truth):
    worst = (truth.b - np.maximum(-truth.A, 0).sum(axis=1)) / truth.gamma
    assert (worst >= FLOOR * truth.control * (1 - 1e-9)).all()
    assert (truth.control > 0).all()


def test_levels_span_a_realistic_range(config):
    control = draw_network(dataclasses.replace(config, n_genes=500), np.random.default_rng(0)).control
    assert np.quantile(control, 0.05) < 0.35
    assert np.quantile(control, 0.95) > 1.3


def test_doses(config):
    truth = draw_network(config, np.random.default_rng(0))
    before = truth.control[truth.rows]
    if config.mode == "CRISPRa":
        assert (truth.clamps - before).mean() == pytest.approx(1.5, rel=0.3)
    else:
        assert np.median(np.expm1(truth.clamps) / np.expm1(before)) == pytest.approx(0.15, rel=0.5)


@pytest.mark.parametrize(("n", "K"), [(1.0, 0.7), (1.5, 1.0), (2.0, 2.0), (4.0, 1.3)])
def test_largest_slope(n, K):
    def slope(x):
        h = hill(np.asarray(x), n, K)
        return -n / x * h * (1 - h)

    found = optimize.minimize_scalar(slope, bounds=(1e-9, 10 * K), method="bounded", options={"xatol": 1e-12})
    assert largest_slope(n, K) == pytest.approx(-min(found.fun, slope(1e-9)), rel=1e-6)


def test_feedback_bounds_a_strong_network():
    config = dataclasses.replace(PRESETS["demo"], core_strength=20.0, feedback=0.3)
    assert draw_network(config, np.random.default_rng(1)).contraction <= 0.3 + 1e-9
