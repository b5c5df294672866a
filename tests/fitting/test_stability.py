import numpy as np
import pytest
import torch

from scclamp.fitting.stability import bounded_radius, power_bound
from scclamp.physics import Dense, Status, spectral_radius, stability_limit
from scclamp.physics.solution import _mark_unstable


def matrices(n=200, order=12, seed=0):
    rng = np.random.default_rng(seed)
    scale = rng.uniform(0.05, 1.6, (n, 1, 1))
    return torch.tensor(scale * rng.standard_normal((n, order, order)) / np.sqrt(order))


def exact(dense):
    return torch.tensor([np.abs(np.linalg.eigvals(m)).max() for m in dense.numpy()])


def test_power_bound_is_above_the_radius_and_close():
    dense = matrices()
    radius, bound = exact(dense), power_bound(dense)
    assert (bound >= radius * (1 - 1e-12)).all()
    assert (bound <= 1.15 * radius).all()


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_power_bound_neither_overflows_nor_underflows(scale):
    dense = scale * matrices(5)
    np.testing.assert_allclose(power_bound(dense) / scale, power_bound(dense / scale), rtol=1e-10)


def test_power_bound_of_nothing_is_nothing():
    assert power_bound(torch.zeros(2, 3, 3)).max() < 1e-3


@pytest.mark.parametrize("n_dense", [1, 7, 1000])
def test_every_entry_is_judged_as_its_eigenvalues_do(n_dense):
    dense = matrices()[None]
    bound, stable = bounded_radius(Dense(dense), 12, n_dense)
    radius = exact(dense[0])
    assert (radius < 1).any()
    assert (radius >= 1).any()
    assert torch.equal(stable[0], radius < 1)
    assert (bound[0] >= radius * (1 - 1e-12)).all()
    # What the bounds cannot clear has its eigenvalues taken.
    torch.testing.assert_close(bound[0][~stable[0]], spectral_radius(Dense(dense[0]))[~stable[0]])


def test_nan_is_not_stable():
    dense = torch.full((1, 1, 2, 2), torch.nan)
    _, stable = bounded_radius(Dense(dense), 2, 8)
    assert not stable.any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_predictions_draw_the_line_where_a_fit_does(dtype):
    """Radii around the limit, a few roundings apart: both judges part them at the same place."""
    order = 6
    room = 1 - stability_limit(order, dtype)
    radii = 1 - room * torch.tensor([2.0, 1.5, 1.1, 0.9, 0.5, 0.0], dtype=torch.float64)
    matrices = Dense((radii[:, None, None] * torch.eye(order)).to(dtype))
    _, stable = bounded_radius(matrices, order, 100)
    status = _mark_unstable(torch.zeros(6, dtype=torch.int8), matrices, order)
    assert stable.tolist() == (status == Status.CONVERGED).tolist() == [True] * 3 + [False] * 3
