"""Neural drift against its formula and autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch


@pytest.mark.parametrize("batch", [(), (2,)])
def test_production_is_the_documented_formula(batch, make):
    drift = make("neural_drift", batch=batch)
    x = torch.rand(*batch, 3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 4
    W1, a, W2, b = (p.detach().numpy() for p in (drift.W1, drift.a, drift.W2, drift.b))
    hidden = np.tanh(np.log1p(x.numpy()) @ np.swapaxes(W1, -1, -2) + a[..., None, :])
    expected = hidden @ np.swapaxes(W2, -1, -2) + b[..., None, :]
    np.testing.assert_allclose(drift.production(x).detach(), expected, rtol=1e-12)


@pytest.mark.parametrize("values", [[0.3, 1.0, 7.0, 49.0], [2e-6, 49.99, 0.0, 80.0], [-4.0, 2e-6, 50.01, 1.0]])
def test_hidden_slope_matches_autograd(values, make):
    drift = make("neural_drift")
    x = torch.tensor([values], dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(drift.hidden, x)[0, :, 0, :]
    torch.testing.assert_close(drift.hidden_slope(x)[0], jacobian, rtol=1e-12, atol=0)


def test_gradcheck_of_the_production(make):
    drift = make("neural_drift", R=3, G=4)
    x = torch.tensor([[0.5, 1.0, 3.0]], dtype=torch.float64, requires_grad=True)
    parameters = [p for name, p in drift.named_parameters() if name != "log_gamma"]
    assert torch.autograd.gradcheck(lambda x, *_: drift.production(x), (x, *parameters))
