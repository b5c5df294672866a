"""Activations against their formulas, autograd and central differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scclamp._errors import InputError
from scclamp.physics import GeneralizedHill, Hill, MassAction, MichaelisMenten

LOW, HIGH = 1e-6, 50.0
INSIDE = torch.tensor([[2e-6, 1e-3, 0.4], [1.0, 3.0, 49.9]], dtype=torch.float64)
EDGES = torch.tensor([[LOW * 1.0001, HIGH * 0.9999, 0.0], [-3.0, 50.1, 1e9]], dtype=torch.float64)


def activations():
    generalized = GeneralizedHill(3)
    with torch.no_grad():
        generalized.log_n.copy_(torch.tensor([0.1, 0.7, 2.0]))
        generalized.log_K.copy_(torch.tensor([-1.0, 0.2, 1.0]))
    return [Hill(2.3, 0.8), Hill(50.0, 1.2), MichaelisMenten(0.5), generalized, MassAction()]


@pytest.fixture(params=activations(), ids=["hill", "hill_50", "michaelis_menten", "generalized_hill", "mass_action"])
def activation(request):
    return request.param.double()


def test_slope_matches_autograd_and_central_differences(activation):
    x = INSIDE.clone().requires_grad_()
    (auto,) = torch.autograd.grad(activation(x).sum(), x)
    torch.testing.assert_close(activation.slope(x), auto, rtol=1e-12, atol=1e-300)
    step = 1e-6 * INSIDE
    with torch.no_grad():
        numeric = (activation(INSIDE + step) - activation(INSIDE - step)) / (2 * step)
    scale = activation(INSIDE).detach().abs() / INSIDE
    assert ((activation.slope(INSIDE) - numeric).abs() <= 1e-7 * scale + 1e-12).all()


def test_slope_at_and_outside_the_bounds_matches_autograd(activation):
    x = EDGES.clone().requires_grad_()
    (auto,) = torch.autograd.grad(activation(x).sum(), x)
    torch.testing.assert_close(activation.slope(x), auto, rtol=1e-12, atol=1e-300)
    outside = (EDGES < LOW) | (EDGES > HIGH)
    assert (activation.slope(EDGES)[outside] == 0).all()
    # Torch has changed its mind about the derivative of clamp at a bound; ours is zero there with every version.
    assert (activation.slope(torch.tensor([[LOW, HIGH, LOW]], dtype=torch.float64)) == 0).all()
    torch.testing.assert_close(activation(EDGES), activation(EDGES.clamp(LOW, HIGH)), rtol=0, atol=0)


def test_gradcheck(activation):
    x = INSIDE.clone().requires_grad_()
    parameters = [p for p in activation.parameters() if p.requires_grad]
    assert torch.autograd.gradcheck(lambda x, *_: activation(x), (x, *parameters), eps=1e-7, atol=1e-6)


def test_paper_equations_20_to_22():
    n, K = 2.3, 0.8
    x = INSIDE.numpy()
    h = x**n / (K**n + x**n)
    hill = Hill(n, K).double()
    with torch.no_grad():
        hill.log_n.fill_(np.log(n))
        hill.log_K.fill_(np.log(K))
    np.testing.assert_allclose(hill(INSIDE).detach(), h, rtol=1e-13)
    equation_20 = n * K**n * x ** (n - 1) / (K**n + x**n) ** 2
    np.testing.assert_allclose(hill.slope(INSIDE).detach(), equation_20, rtol=1e-11)
    np.testing.assert_allclose(n / x * h * (1 - h), equation_20, rtol=1e-11)
    for i in np.ndindex(x.shape):
        d_log_n, d_log_K = torch.autograd.grad(hill(INSIDE)[i], (hill.log_n, hill.log_K))
        equation_21 = K**n * x[i] ** n * np.log(x[i] / K) / (K**n + x[i] ** n) ** 2
        equation_22 = -n * K ** (n - 1) * x[i] ** n / (K**n + x[i] ** n) ** 2
        np.testing.assert_allclose(d_log_n / n, equation_21, rtol=1e-11)
        np.testing.assert_allclose(d_log_K / K, equation_22, rtol=1e-11)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("n", "K"), [(50.0, 1e-8), (50.0, 40.0), (300.0, 1.0), (0.01, 1.0), (2.0, 1e20)])
def test_extreme_constants_stay_finite(n, K, dtype):
    hill = Hill(n, K).to(dtype)
    x = torch.tensor([[0.0, 1e-6, 1e-3, 1.0, 50.0, 1e30]], dtype=dtype)
    for value in (hill(x), hill.slope(x)):
        assert value.isfinite().all()
    assert ((hill(x) >= 0) & (hill(x) <= 1)).all()


def test_michaelis_menten_is_hill_with_n_fixed_at_one():
    activation = MichaelisMenten(0.5).double()
    torch.testing.assert_close(activation(INSIDE), INSIDE / (0.5 + INSIDE))
    assert [name for name, p in activation.named_parameters() if p.requires_grad] == ["log_K"]


def test_members_have_their_own_constants():
    batched = Hill(batch_shape=(2,)).double()
    general = GeneralizedHill(3, batch_shape=(2,)).double()
    with torch.no_grad():
        batched.log_n.copy_(torch.tensor([0.2, 1.5]))
        general.log_K.copy_(torch.arange(6.0).view(2, 3) / 6)
    x = INSIDE.expand(2, 2, 3)
    for member in range(2):
        alone = Hill(2.0, 1.0).double()
        with torch.no_grad():
            alone.log_n.copy_(batched.log_n[member])
        torch.testing.assert_close(batched(x)[member], alone(INSIDE))
        torch.testing.assert_close(batched.slope(x)[member], alone.slope(INSIDE))
        for j in range(3):
            alone = Hill(2.0, general.log_K[member, j].exp().item()).double()
            torch.testing.assert_close(general(x)[member, :, j], alone(INSIDE)[:, j], rtol=1e-6, atol=1e-9)


def test_named_values_are_in_natural_units():
    assert {k: round(float(v), 5) for k, v in Hill(3.0, 0.7).named_values().items()} == {"n": 3.0, "K": 0.7}
    assert MassAction().named_values() == {}


@pytest.mark.parametrize(
    ("cls", "settings"),
    [
        (Hill, {"n": 0.0}),
        (Hill, {"n": -1.0}),
        (Hill, {"K": float("nan")}),
        (Hill, {"K": float("inf")}),
        (Hill, {"bounds": (0.0, 50.0)}),
        (MichaelisMenten, {"K": -1.0}),
        (MassAction, {"bounds": (5.0, 5.0)}),
        (MassAction, {"bounds": (float("nan"), 5.0)}),
    ],
)
def test_unusable_constants_are_named(cls, settings):
    with pytest.raises(InputError, match=r"bounds="):
        cls(**settings)
