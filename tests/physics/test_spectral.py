"""The bound is a bound, the exact radius is exact, the tracked one gets there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scclamp.physics import Dense, Factored, radius_bound, spectral_radius, stability_limit, track_radius


def random_core(seed: int) -> Factored:
    """Signed, positive and triangular weights of 1 to 12 regulators, some of them clamped."""
    g = torch.Generator().manual_seed(seed)
    R = seed % 12 + 1
    A = torch.randn(R, R, generator=g, dtype=torch.float64) * 10 ** (seed % 5 - 2)
    A = {0: A.abs(), 1: A.triu(1)}.get(seed % 3, A)
    left, right = torch.rand(2, 3, R, generator=g, dtype=torch.float64)
    return Factored(A, left * (torch.rand(3, R, generator=g) > 0.3), right)


def test_bound_holds_for_200_random_matrices():
    for seed in range(200):
        M = random_core(seed)
        exact = np.abs(np.linalg.eigvals(M.dense().numpy())).max(-1)
        np.testing.assert_allclose(spectral_radius(M), exact, rtol=1e-6, atol=1e-12)
        for operator in (M, Dense(M.dense())):
            assert (radius_bound(operator).numpy() >= exact * (1 - 1e-12)).all(), seed


def test_bound_is_tight_for_positive_feedback():
    M = Factored(
        *(torch.rand(n, 8, generator=torch.Generator().manual_seed(n), dtype=torch.float64) for n in (8, 1, 2))
    )
    assert (radius_bound(M) <= 1.05 * spectral_radius(M)).all()


def test_bound_of_nothing_is_zero():
    assert radius_bound(Dense(torch.zeros(2, 3, 3))).tolist() == [0, 0]
    assert radius_bound(Dense(torch.full((1, 2, 2), torch.nan))).isnan().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("top", [(0.9, 0.3), (-0.9, 0.3), (0.9, -0.9), (0.9, 0.85), "pair"])
@pytest.mark.parametrize("seed", range(3))
def test_tracking_comes_within_five_percent_or_is_careful(top, dtype, seed):
    g = torch.Generator().manual_seed(seed)
    basis = torch.randn(6, 6, generator=g, dtype=torch.float64) + 3 * torch.eye(6)
    D = torch.diag(torch.tensor([0, 0, 0.5, -0.4, 0.2, 0.1], dtype=torch.float64))
    angle = torch.tensor(0.3 + seed)
    rotation = 0.9 * torch.stack([angle.cos(), angle.sin(), -angle.sin(), angle.cos()]).view(2, 2)
    D[:2, :2] = rotation if top == "pair" else torch.diag(torch.tensor(top))
    M = Dense((basis @ D @ basis.inverse())[None].to(dtype))
    v = torch.ones(1, 6, dtype=dtype)
    estimates = []
    for _ in range(20):
        estimate, v = track_radius(M, v)
        estimates.append(float(estimate))
    assert min(estimates[10:]) > 0.95 * 0.9
    # Growth on the way overestimates, which costs eigenvalues and nothing else.
    assert max(estimates[10:]) < 1.15 * 0.9
    assert np.median(estimates[10:]) < 1.05 * 0.9


@pytest.mark.parametrize("k", [3, 4, 5, 7])
@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_tracking_sees_rings(k, spread):
    """Regulators that repress each other in a circle have k eigenvalues of one size."""
    rng = np.random.default_rng(k)
    weights = -np.exp(spread * rng.standard_normal(k))
    ring = torch.zeros(1, k + 2, k + 2, dtype=torch.float64)
    for i, w in enumerate(weights):
        ring[0, (i + 1) % k, i] = w
    radius = np.abs(weights).prod() ** (1 / k)
    np.testing.assert_allclose(spectral_radius(Dense(ring)), radius, rtol=1e-9)
    v = torch.ones(1, k + 2, dtype=torch.float64)
    estimates = []
    for _ in range(3 * k):
        estimate, v = track_radius(Dense(ring), v, 2)
        estimates.append(float(estimate))
    assert max(estimates[-k:]) > 0.95 * radius


def test_tracking_sees_a_block_that_was_not_connected():
    """The vector has turned into one block for long when feedback appears in another."""
    M = torch.zeros(1, 4, 4, dtype=torch.float64)
    M[0, :2, :2] = torch.tensor([[0.3, 0.1], [0.1, 0.3]])
    v = torch.ones(1, 4, dtype=torch.float64)
    for _ in range(50):
        _, v = track_radius(Dense(M), v, 2)
    M[0, 2:, 2:] = torch.tensor([[0.0, 1.2], [1.2, 0.0]])
    estimates = []
    for _ in range(6):
        estimate, v = track_radius(Dense(M), v, 2)
        estimates.append(float(estimate))
    assert max(estimates) > 1.1


def test_tracking_wakes_up_when_feedback_appears():
    none, some = Dense(torch.zeros(1, 3, 3)), Dense(torch.diag(torch.tensor([0.5, 0.2, 0.1]))[None])
    v = torch.tensor([[1.0, 2.0, 3.0]])
    for _ in range(3):
        estimate, v = track_radius(none, v)
        assert estimate.item() == 0
        assert v.isfinite().all()
    for _ in range(10):
        estimate, v = track_radius(some, v)
    np.testing.assert_allclose(estimate, 0.5, rtol=1e-3)


def test_tracking_reports_what_is_not_finite():
    M = Dense(torch.tensor([[[torch.nan, 0.0], [0.0, 0.5]], [[0.5, 0.0], [0.0, 0.1]]]))
    estimate, _ = track_radius(M, torch.ones(2, 2))
    assert estimate[0].isnan()
    assert estimate[1].isfinite()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_stability_limit_leaves_room_for_the_rounding_of_eigenvalues(dtype):
    """A normal matrix of radius one, in working precision: its eigenvalues come out within the room that is left."""
    g = torch.Generator().manual_seed(0)
    for order in (2, 10, 60):
        basis = torch.linalg.qr(torch.randn(order, order, generator=g, dtype=torch.float64)).Q.to(dtype)
        radius = torch.linalg.eigvals(basis @ basis.mT).abs().max()
        assert stability_limit(order, dtype) <= float(radius)
        assert 1 - stability_limit(order, dtype) < 1e-3
