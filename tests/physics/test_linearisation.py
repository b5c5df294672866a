"""The linearised core against the Jacobian that autograd finds, and its products against numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scclamp.physics import Dense, Factored


@pytest.mark.parametrize("batch", [(), (2,)])
def test_dense_matches_the_jacobian_of_the_clamped_map(kind, batch, make, clamp):
    dynamics = make(kind, batch=batch)
    mask, values = clamp(dynamics, C=3)
    core = dynamics.core()
    x = 0.2 + values.expand(*batch, 3, 4)
    jacobian = torch.autograd.functional.jacobian(lambda x: torch.where(mask, values, core(x)), x)
    dense = core.linearise(x, ~mask).dense()
    assert dense.shape == (*batch, 3, 4, 4)
    for index in np.ndindex(*batch, 3):
        torch.testing.assert_close(dense[index], jacobian[index][(slice(None), *index)], rtol=1e-10, atol=1e-13)


def test_columns_of_states_outside_the_bounds_are_zero(kind, make, clamp):
    dynamics = make(kind)
    x = torch.tensor([[0.0, 60.0, -1.0, 1.0]], dtype=torch.float64)
    dense = dynamics.core().linearise(x, torch.ones(1, 4, dtype=torch.bool)).dense()
    assert (dense[..., :3] == 0).all()
    assert (dense[..., 3] != 0).any()


def factored(batch=(2,), C=3, R=4, seed=0) -> Factored:
    g = torch.Generator().manual_seed(seed)
    A, left, right = (torch.randn(*batch, n, R, generator=g, dtype=torch.float64) for n in (R, C, C))
    left[..., 0, 1] = 0
    return Factored(A, left, right)


@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
def test_products_match_numpy(batch):
    M = factored(batch)
    dense = np.einsum("...ci,...ij,...cj->...cij", M.left, M.A, M.right)
    u = torch.randn(*batch, 3, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for operator in (M, Dense(M.dense())):
        np.testing.assert_allclose(operator.dense(), dense, rtol=1e-13)
        np.testing.assert_allclose(operator.jvp(u), np.einsum("...ij,...j->...i", dense, u), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(operator.vjp(u), np.einsum("...ij,...i->...j", dense, u), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("batch", [(), (2,)])
def test_select_picks_conditions(batch):
    M = factored(batch)
    picked = torch.zeros(*batch, 3, dtype=torch.bool)
    picked[..., 1] = True
    for operator in (M, Dense(M.dense())):
        torch.testing.assert_close(operator.select(picked.nonzero(as_tuple=True)).dense(), M.dense()[picked])


def test_select_with_members_that_share_one_network():
    M = factored(())
    M = Factored(M.A, M.left.expand(2, 3, 4), M.right.expand(2, 3, 4))
    picked = torch.tensor([[True, False, False], [False, True, True]])
    torch.testing.assert_close(M.select(picked.nonzero(as_tuple=True)).dense(), M.dense()[picked])


def test_mean_condition_is_exact_for_equal_conditions():
    M = factored(())
    M = Factored(M.A, M.left[:1].expand(3, 4), M.right[:1].expand(3, 4))
    torch.testing.assert_close(M.mean_condition(), M.dense()[0])
    torch.testing.assert_close(Dense(M.dense()).mean_condition(), M.dense()[0])
