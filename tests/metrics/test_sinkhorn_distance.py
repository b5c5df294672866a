"""Entropic transport against POT and, with little entropy, against exact transport."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from scclamp._errors import ConvergenceWarning, InputError
from scclamp.metrics import sinkhorn_distance


@pytest.fixture(scope="module")
def cells():
    rng = np.random.default_rng(0)
    return rng.normal(size=(40, 5)), rng.normal(0.5, 1.5, (40, 5))


@pytest.mark.parametrize("regularization", [0.02, 0.1, 1.0])
def test_against_pot(cells, regularization):
    ot = pytest.importorskip("ot", reason="POT, an oracle of this test, is not installed")
    x, y = cells[0], cells[1][:25]
    cost = cdist(x, y)
    plan = ot.sinkhorn(
        np.full(40, 1 / 40),
        np.full(25, 1 / 25),
        cost,
        regularization * cost.mean(),
        method="sinkhorn_log",
        numItermax=20_000,
        stopThr=1e-11,
    )
    found = sinkhorn_distance(x, y, regularization=regularization, tolerance=1e-10)
    assert found == pytest.approx((plan * cost).sum(), rel=1e-7)


def test_little_entropy_is_exact_transport(cells):
    cost = cdist(*cells)
    exact = cost[linear_sum_assignment(cost)].mean()
    found = [sinkhorn_distance(*cells, regularization=r, tolerance=1e-4) for r in (0.5, 0.05, 0.002)]
    assert found[0] > found[1] > found[2] > exact
    assert found[2] == pytest.approx(exact, rel=1e-3)


def test_unequal_samples_in_one_dimension():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=50), rng.normal(3, 2, 20)
    found = sinkhorn_distance(x[:, None], y[:, None], regularization=0.01, tolerance=1e-4)
    assert found == pytest.approx(stats.wasserstein_distance(x, y), rel=5e-3)


def test_scales_with_the_data(cells):
    x, y = cells
    assert sinkhorn_distance(1e6 * x, 1e6 * y) == pytest.approx(1e6 * sinkhorn_distance(x, y))
    assert sinkhorn_distance(x + 100, y + 100) == pytest.approx(sinkhorn_distance(x, y))
    weight = 0.05 * cdist(x, y).mean()
    assert sinkhorn_distance(x, y, regularization=weight, relative=False) == pytest.approx(sinkhorn_distance(x, y))


def test_one_cell_each_and_equal_cells():
    assert sinkhorn_distance([[0.0, 0.0]], [[3.0, 4.0]]) == pytest.approx(5)
    assert sinkhorn_distance(np.ones((3, 2)), np.ones((4, 2))) == 0


def test_warns_when_iterations_run_out(cells):
    with pytest.warns(ConvergenceWarning, match="off by .* after max_iter=3"):
        sinkhorn_distance(*cells, regularization=0.01, max_iter=3)


@pytest.mark.parametrize("options", [{"regularization": 0}, {"regularization": np.nan}, {"tolerance": 0}])
def test_errors(cells, options):
    with pytest.raises(InputError, match="must be positive"):
        sinkhorn_distance(*cells, **options)
