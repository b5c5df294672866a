import numpy as np
import pytest
import torch
from scipy.optimize import root

from scclamp.fitting.predict import Predictor
from scclamp.physics import Network, Newton, Status, steady_state

R, G = 6, 20


def network(*, scale=0.8, members=1, seed=0, dtype=torch.float64, latent=0, signs=None):
    rng = np.random.default_rng(seed)
    rows = torch.arange(R)
    rows[R - latent :] = -1
    made = Network(G, rows, batch_shape=(members,)).to(dtype).requires_grad_(False)
    A = scale * rng.standard_normal((members, G, R)) / np.sqrt(R)
    made.A.copy_(torch.tensor(A if signs is None else signs * np.abs(A)))
    made.b.copy_(torch.tensor(rng.uniform(0.8, 2.0, (members, G))))
    return made


def requests(n=40, seed=1, dtype=torch.float64):
    rng = np.random.default_rng(seed)
    mask = torch.tensor(rng.random((n, R)) < 0.4)
    mask[0] = False
    return mask, torch.where(mask, torch.tensor(rng.uniform(0, 4, (n, R))), 0.0).to(dtype)


def by_scipy(net, member, mask, value):
    A, b, gamma = net.A[member].numpy(), net.b[member].numpy(), float(net.log_gamma[member].exp())
    n, K = float(net.activation.log_n[member].exp()), float(net.activation.log_K[member].exp())
    rows = net.rows.numpy()

    def h(x):
        x = np.clip(x, 1e-6, 50)
        return x**n / (K**n + x**n)

    def residual(x):
        return np.where(mask, value - x, (b + A @ h(x))[rows.clip(0)] / gamma - x)

    found = root(residual, np.where(mask, value, b[rows.clip(0)]), tol=1e-12)
    assert found.success
    state = (b + A @ h(found.x)) / gamma
    state[rows[rows >= 0]] = found.x[rows >= 0]
    return state


@pytest.mark.parametrize("latent", [0, 2])
def test_states_are_those_that_scipy_finds(latent):
    net = network(members=2, latent=latent)
    mask, values = requests()
    values[:, R - latent :] = values[:, R - latent :].clamp(max=1)
    states = Predictor(net, torch.full((R,), 2.0).double())(mask, values)
    mask[:, R - latent :] = True
    expected = np.stack(
        [[by_scipy(net, m, k, v) for k, v in zip(mask.numpy(), values.numpy(), strict=True)] for m in range(2)]
    )
    assert (states.status == Status.CONVERGED).all()
    np.testing.assert_allclose(states.value, expected.mean(0), rtol=1e-7)
    np.testing.assert_allclose(states.sd, expected.std(0, ddof=1), rtol=1e-5, atol=1e-9)


def test_single_precision_agrees_with_double_newton():
    net = network(dtype=torch.float32)
    mask, values = requests(200, dtype=torch.float32)
    states = Predictor(net, torch.full((R,), 2.0))(mask, values)
    exact = steady_state(net.double(), mask, values.double(), solver=Newton(tol=1e-13)).value[0]
    np.testing.assert_allclose(states.value, exact, rtol=1e-4, atol=1e-5)
    assert states.sd is None


@pytest.mark.parametrize("working_bytes", [1, 2**14, 2**30])
def test_memory_changes_no_answer(working_bytes):
    net = network(scale=4.0, seed=3)
    mask, values = requests()
    doses = torch.full((R,), 2.0).double()
    small, usual = Predictor(net, doses, working_bytes=working_bytes), Predictor(net, doses)
    assert (small.chunk_size < usual.chunk_size) == (working_bytes < 2**26)
    for mine, other in zip(small(mask, values), usual(mask, values), strict=True):
        assert (mine is None and other is None) or torch.allclose(mine, other, rtol=1e-9, equal_nan=True)


def test_what_plain_iteration_cannot_solve_newton_does_and_is_marked_unstable():
    # One regulator that represses itself so strongly that the plain iteration only oscillates.
    net = Network(2, torch.tensor([0]), batch_shape=(1,)).double().requires_grad_(False)
    net.A.copy_(torch.tensor([[[-9.0], [1.0]]]))
    net.b.fill_(10.0)
    net.activation.log_n.fill_(np.log(8.0))
    net.activation.log_K.fill_(np.log(5.0))
    predictor = Predictor(net, torch.tensor([3.0]).double())
    states = predictor(torch.tensor([[False], [True]]), torch.tensor([[0.0], [3.0]]).double(), exact_radius=True)
    assert states.status.tolist() == [Status.UNSTABLE, Status.CONVERGED]
    assert states.residual.max() < 1e-9
    x = float(states.value[0, 0])
    slope = 9 * 8 * 5**8 * x**7 / (5**8 + x**8) ** 2
    assert slope > 1
    np.testing.assert_allclose(states.radius, [slope, 0.0], rtol=1e-8)
    np.testing.assert_allclose(states.radius_bound[0], slope, rtol=1e-6)
    assert states.iterations[0] > 50


def test_bound_is_above_the_exact_radius():
    net = network(scale=2.0, members=3)
    mask, values = requests()
    states = Predictor(net, torch.full((R,), 2.0).double())(mask, values, exact_radius=True)
    assert (states.radius_bound >= states.radius * (1 - 1e-9)).all()


def test_worst_member_decides_and_a_broken_network_is_said_to_be_broken():
    net = network(members=2)
    net.b[1, G - 1] = torch.inf
    mask, values = requests()
    states = Predictor(net, torch.full((R,), 2.0).double())(mask, values, exact_radius=True)
    assert (states.status == Status.NONFINITE).all()
    net.b[1, 0] = torch.nan
    states = Predictor(net, torch.full((R,), 2.0).double())(mask, values, exact_radius=True)
    clamped = mask[:, 0]
    assert (states.status == Status.NONFINITE).all()
    assert states.radius[~clamped].isnan().all()


def test_values_outside_the_mask_are_not_read():
    net = network()
    mask, values = requests()
    predictor = Predictor(net, torch.full((R,), 2.0).double())
    assert torch.equal(predictor(mask, values).value, predictor(mask, torch.where(mask, values, 7.0)).value)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_answers_as_the_processor_does():
    net = network(members=2, latent=1, scale=3.0)
    mask, values = requests(300)
    doses = torch.full((R,), 1.0).double()
    here = Predictor(net, doses)(mask, values, exact_radius=True)
    there = Predictor(net.cuda(), doses.cuda())(mask.cuda(), values.cuda(), exact_radius=True)
    for mine, other in zip(here, there, strict=True):
        assert other.device.type == "cuda"
        torch.testing.assert_close(other.cpu(), mine, rtol=1e-8, atol=1e-9)
