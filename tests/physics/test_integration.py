"""Integrations against their formulas, autograd and central differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scclamp.physics import Additive, HillOfSum, Saturating

CENTRE = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
B = torch.tensor([0.3, 1.2, 2.5], dtype=torch.float64)
S = torch.tensor([[0.4, 0.01, 3.0], [2.0, 30.0, 0.7]], dtype=torch.float64)


@pytest.fixture(
    params=[Additive(), Saturating(CENTRE, 0.7), HillOfSum(2.5, 1.4), HillOfSum(50.0, 1.4)],
    ids=["additive", "saturating", "hill_of_sum", "hill_of_sum_50"],
)
def integration(request):
    return request.param.double()


def test_slope_matches_autograd_and_central_differences(integration):
    s = S.clone().requires_grad_()
    (auto,) = torch.autograd.grad(integration(B, s).sum(), s)
    torch.testing.assert_close(integration.slope(B, s), auto, rtol=1e-10, atol=1e-14)
    step = 1e-6
    numeric = (integration(B, S + step) - integration(B, S - step)) / (2 * step)
    torch.testing.assert_close(integration.slope(B, S), numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("value", [-5.0, 0.0, 2e-6, 49.99, 51.0, 1e6])
def test_slope_at_the_edges_matches_autograd(integration, value):
    s = torch.full_like(S, value, requires_grad=True)
    (auto,) = torch.autograd.grad(integration(B, s).sum(), s)
    torch.testing.assert_close(integration.slope(B, s), auto, rtol=1e-10, atol=1e-14)
    assert integration(B, s).isfinite().all()


def test_gradcheck(integration):
    inputs = (B.clone().requires_grad_(), S.clone().requires_grad_(), *integration.parameters())
    assert torch.autograd.gradcheck(lambda b, s, *_: integration(b, s), inputs)


def test_rows_select_the_genes(integration):
    rows = torch.tensor([2, 0])
    torch.testing.assert_close(integration(B[rows], S[:, rows], rows), integration(B, S)[:, rows])
    torch.testing.assert_close(integration.slope(B[rows], S[:, rows], rows), integration.slope(B, S)[:, rows])


def test_saturating_is_bounded_and_linear_at_its_centre():
    integration = Saturating(CENTRE, 0.7).double()
    far = integration(B, torch.tensor([[1e6], [-1e6]], dtype=torch.float64).expand(2, 3)).detach().numpy()
    limit = float(integration.named_values()["limit"])
    np.testing.assert_allclose(far, [CENTRE.numpy() + limit, CENTRE.numpy() - limit])
    torch.testing.assert_close(integration.slope(B, (CENTRE - B)[None]), torch.ones(1, 3, dtype=torch.float64))


def test_hill_of_sum_counts_a_negative_sum_as_none():
    integration = HillOfSum(2.0, 1.0).double()
    torch.testing.assert_close(integration(B, -S), B.expand(2, 3), rtol=0, atol=1e-11)
    assert (integration.slope(B, -S) == 0).all()


def test_members_have_their_own_constants():
    batched = Saturating(CENTRE.expand(2, 3), batch_shape=(2,)).double()
    with torch.no_grad():
        batched.log_limit.copy_(torch.tensor([0.1, -0.5]))
    b, s = B.expand(2, 3), S.expand(2, 2, 3)
    for member in range(2):
        alone = Saturating(CENTRE).double()
        with torch.no_grad():
            alone.log_limit.copy_(batched.log_limit[member])
        torch.testing.assert_close(batched(b, s)[member], alone(B, S))
        torch.testing.assert_close(batched.slope(b, s)[member], alone.slope(B, S))
    assert batched(b, s, torch.tensor([2, 0, 1])).shape == (2, 2, 3)


def test_invert_undoes_the_production_inside_the_limit():
    for integration in (Additive(), Saturating(CENTRE, 0.7).double()):
        sums = CENTRE + torch.tensor([[0.5], [-0.9]], dtype=torch.float64)
        production = integration(torch.zeros(3, dtype=torch.float64), sums)
        torch.testing.assert_close(integration.invert(production), sums)
    beyond = Saturating(CENTRE, 0.7).double().invert(CENTRE[None] + 5)
    torch.testing.assert_close(beyond, CENTRE[None] + 0.7 * np.arctanh(0.95), rtol=1e-6, atol=0)
    with pytest.raises(TypeError, match="HillOfSum"):
        HillOfSum().invert(CENTRE)
