"""Equations 3 and 4 of the paper, summed up again in numpy, one condition at a time."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from scclamp.encoders import PCA
from scclamp.fitting import FitConfig, Objective

G, R = 7, 3
_rng = np.random.default_rng(0)
_V = np.linalg.qr(_rng.standard_normal((G, 4)))[0]
_M = _rng.standard_normal((G, 5))
ENCODERS = {
    "identity": (lambda x: x, lambda x: x),
    "pca": (PCA(_V, np.full(G, 0.3)).encode, lambda x: (x - 0.3) @ _V),
    "nonlinear": (lambda x: torch.tanh(x @ torch.as_tensor(_M)), lambda x: np.tanh(x @ _M)),
}


def _oracle(states, A, train, validation, encode, config):
    states = [encode(x) for x in states]
    names = range(1, len(states))
    pert = np.mean([np.sum(((states[j] - states[0]) - (train[j] - train[0])) ** 2) for j in names])
    anchor = np.sum((states[0] - train[0]) ** 2)
    total = pert + config.lambda_ctrl * anchor + config.lambda_sparse * np.abs(A).sum()
    seen = [j for j in names if np.isfinite(validation[j]).all()]
    val = np.mean([np.sum(((states[j] - states[0]) - (validation[j] - validation[0])) ** 2) for j in seen])
    return np.array([total, pert, anchor, np.abs(A).sum(), val])


@pytest.fixture
def case(truth_problem):
    def make(encoder, members=2, C=5):
        rng = np.random.default_rng(1)
        torch_encode, numpy_encode = ENCODERS[encoder]
        cells = rng.gamma(2.0, size=(2, members, C, G))
        train, validation = (numpy_encode(c) for c in cells)
        validation[0, 2] = validation[1, 4] = np.nan
        states, A = rng.gamma(2.0, size=(members, C, G)), rng.standard_normal((members, G, R))
        t = torch.as_tensor
        problem = replace(truth_problem, train=t(train), validation=t(validation), encode=torch_encode)
        return problem, numpy_encode, states, A, train, validation

    return make


@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_part_equals_the_sum_by_hand_for_each_member(case, encoder):
    problem, encode, states, A, train, validation = case(encoder)
    config = FitConfig(lambda_ctrl=0.7, lambda_sparse=0.02)
    found = np.stack(Objective(problem, config, {})(torch.as_tensor(states), {"A": torch.as_tensor(A)}), -1)
    for m in range(2):
        expected = _oracle(states[m], A[m], train[m], validation[m], encode, config)
        np.testing.assert_allclose(found[m], expected, rtol=1e-12)


def test_departure_of_kinetic_constants_is_weighed(case):
    problem, _, states, A, *_ = case("identity")
    start = torch.tensor([[0.1, 0.2], [0.3, 0.4]], dtype=torch.float64)
    now = start + torch.tensor([[1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
    parameters = {"A": torch.as_tensor(A), "log_K": now}
    plain = Objective(problem, FitConfig(), {"log_K": start})(torch.as_tensor(states), parameters)
    held = Objective(problem, FitConfig(lambda_kinetics=0.5), {"log_K": start})(torch.as_tensor(states), parameters)
    np.testing.assert_allclose(held.total - plain.total, [0.5 * 1.0, 0.5 * 4.0], rtol=1e-12)
    np.testing.assert_array_equal(held.validation, plain.validation)


def test_pseudobulk_validates_on_what_it_trains_on(case):
    problem, _, states, A, *_ = case("identity")
    problem = replace(problem, validation=torch.full_like(problem.train, torch.nan))
    losses = Objective(problem, FitConfig(), {})(torch.as_tensor(states), {"A": torch.as_tensor(A)})
    np.testing.assert_array_equal(losses.validation, losses.perturbation)


def test_validation_lets_no_gradient_through(case):
    problem, _, states, A, *_ = case("nonlinear")
    states = torch.as_tensor(states).requires_grad_()
    losses = Objective(problem, FitConfig(), {})(states, {"A": torch.as_tensor(A)})
    assert not losses.validation.requires_grad
    losses.total.sum().backward()
    assert states.grad.isfinite().all()


@pytest.mark.parametrize("encoder", ENCODERS)
def test_gradient_equals_finite_differences(case, encoder):
    problem, _, states, A, *_ = case(encoder)
    objective = Objective(problem, FitConfig(lambda_ctrl=0.7, lambda_sparse=0.02), {})
    inputs = torch.as_tensor(states).requires_grad_(), torch.as_tensor(A).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, A: objective(x, {"A": A})[:4], inputs)
