"""Clamped steady states against the dense oracle, finite differences and the equation they must satisfy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scclamp._errors import InputError
from scclamp.physics import (
    Anderson,
    Damped,
    Iterative,
    Newton,
    ReducedImplicit,
    Status,
    Unrolled,
    steady_state,
)

EXACT = Newton(tol=1e-13)
ADJOINTS = {
    "reduced": ReducedImplicit(),
    "direct": ReducedImplicit(max_steps=0),
    "iterative": Iterative(),
    "unrolled": Unrolled(45),
}


def oracle_of(dense_oracle, network):
    """The dense twin of an unbatched Hill network without latent regulators."""
    constants = {k: v.item() for k, v in network.named_values().items()}
    return dense_oracle.DenseHill.from_columns(network.A, network.rows, network.b, **constants)


def on_all_genes(network, mask, values):
    """Clamps of regulators as clamps of genes."""
    full = mask.new_zeros(len(mask), len(network.b)), values.new_zeros(len(mask), len(network.b))
    full[0][:, network.rows], full[1][:, network.rows] = mask, values
    return full


class TestDenseOracle:
    """Core and readout lose nothing: the G x G forward and backward pass of the paper give the same numbers."""

    @pytest.mark.parametrize(
        ("R", "G", "C"),
        [(4, 9, 6), (1, 5, 3), (6, 6, 8), (1, 1, 2), (3, 40, 4)],
        ids=["mixed", "R1", "G=R", "one", "wide"],
    )
    @pytest.mark.parametrize("seed", range(3))
    def test_states_and_gradients(self, R, G, C, seed, make, clamp, gradients, dense_oracle):
        network = make("hill", R=R, G=G, seed=seed, gain=0.7)
        assert (network.A[network.rows, range(R)] != 0).all(), "self loops are part of the model"
        mask, values = clamp(network, C=C, seed=seed)
        values.requires_grad_()
        oracle = oracle_of(dense_oracle, network)
        full = on_all_genes(network, mask, values.detach())
        x = oracle.forward(*full, damping=0.5, tol=1e-15, max_steps=2000)

        for tikhonov, tolerance in ((0.0, 1e-10), (1e-8, 1e-6)):
            solution = steady_state(network, mask, values, solver=EXACT, adjoint=ReducedImplicit(tikhonov))
            np.testing.assert_allclose(solution.value.detach(), x, rtol=1e-10, atol=1e-12)
            found = gradients(network, solution.value, values, split=True)
            v = torch.linspace(-1, 1, G, dtype=torch.float64) * x.cos()
            # The dense form regularises the readout's rows too: with eps the two differ by about eps, without by nothing.
            expected = oracle.backward(x, full[0], v, tikhonov)
            by_name = dict(zip([*(n for n, _ in network.named_parameters()), "values"], found, strict=True))
            pairs = {
                "A": expected.A[:, network.rows],
                "b": expected.b,
                "log_gamma": expected.gamma * oracle.gamma,
                "activation.log_n": expected.n * oracle.n,
                "activation.log_K": expected.K * oracle.K,
                "values": expected.values[:, network.rows],
            }
            assert set(pairs) == set(by_name)
            for name, gradient in pairs.items():
                size = max(float(gradient.abs().max()), 1e-3)
                assert (by_name[name] - gradient).abs().max() <= tolerance * size, (name, tikhonov)

    def test_replacing_a_row_of_the_jacobian_does_not_zero_the_adjoint(self, make, dense_oracle):
        """What the paper claims would make parameter gradients wrong; w at a clamp is the gradient of its value."""
        network = make("hill", seed=1, gain=1.0)
        oracle = oracle_of(dense_oracle, network)
        mask = torch.zeros(1, 7, dtype=torch.bool)
        clamped = network.rows[0]
        mask[0, clamped] = True
        values = 1.5 * mask.double()
        v = torch.ones(7, dtype=torch.float64)
        v[clamped] = 0

        def loss(shift: float) -> float:
            x = oracle.forward(mask, values + shift * mask, 1.0, 1e-15, 500)
            return (x[0] @ v).item()

        x = oracle.forward(mask, values, 1.0, 1e-15, 500)[0]
        w = oracle.adjoint(x, mask[0], v, tikhonov=0.0)[clamped].item()
        assert abs(w) > 1e-3
        assert w == pytest.approx((loss(1e-5) - loss(-1e-5)) / 2e-5, rel=1e-7)

    def test_any_kinetics_against_a_full_jacobian(self, kind, make, clamp, gradients):
        dynamics = make(kind)
        mask, values = clamp(dynamics, C=5)
        values.requires_grad_()
        solution = steady_state(dynamics, mask, values, solver=EXACT, adjoint=ReducedImplicit(0.0))
        found = gradients(dynamics, solution.value, values)
        full, _ = on_all_genes(dynamics, mask, values.detach())
        parameters = [p for p in dynamics.parameters() if p.requires_grad]
        expected = [torch.zeros_like(p) for p in parameters] + [torch.zeros_like(values)]
        for c in range(5):
            x = solution.value[c].detach()

            def image(x, c=c):
                return torch.where(full[c], x, (dynamics.production(x[None, dynamics.rows]) / dynamics.gamma)[0])

            jacobian = torch.autograd.functional.jacobian(image, x) * ~full[c][:, None]
            v = torch.linspace(-1, 1, 7, dtype=torch.float64) * x.cos()
            w = torch.linalg.solve(torch.eye(7) - jacobian.T, v)
            pulled = torch.autograd.grad(image(x), parameters, w * ~full[c])
            for total, part in zip(expected, pulled, strict=False):
                total += part
            expected[-1][c] = (w * full[c])[dynamics.rows]
        torch.testing.assert_close(found, torch.cat([e.flatten() for e in expected]), rtol=1e-10, atol=1e-11)


class TestGradients:
    """Bar 1."""

    @pytest.mark.parametrize("adjoint", ADJOINTS)
    def test_gradcheck_of_everything(self, kind, adjoint, make, clamp):
        dynamics = make(kind, R=3, G=5, latent=1)
        mask, values = clamp(dynamics, C=3)
        values.requires_grad_()
        wrt = [p for p in dynamics.parameters() if p.requires_grad] + [values]

        def states(*_):
            return steady_state(dynamics, mask, values, solver=EXACT, adjoint=ADJOINTS[adjoint]).value

        assert torch.autograd.gradcheck(states, tuple(wrt), atol=1e-6, rtol=1e-4)

    @pytest.mark.parametrize("adjoint", ADJOINTS)
    def test_gradcheck_through_a_nonlinear_encoder_and_members(self, adjoint, make, clamp, encoder):
        network = make("saturating", R=2, G=5, batch=(2,))
        mask, values = clamp(network, C=3, lead=(2,))
        values.requires_grad_()

        def loss(*_):
            solution = steady_state(network, mask, values, solver=EXACT, adjoint=ADJOINTS[adjoint])
            z = encoder(solution.value)
            return (z - z[..., :1, :]).square().sum((-1, -2))

        assert torch.autograd.gradcheck(loss, (*network.parameters(), values), atol=1e-6, rtol=1e-4)

    def test_float32_agrees_with_float64(self, kind, make, clamp, gradients, record_property):
        dynamics = make(kind, R=8, G=20, gain=0.7)
        mask, values = clamp(dynamics, C=6)
        results = []
        for dtype, tol in ((torch.float64, 1e-12), (torch.float32, 1e-6)):
            dynamics = dynamics.to(dtype)
            given = values.to(dtype).requires_grad_()
            solution = steady_state(dynamics, mask, given, solver=Newton(tol=tol))
            assert solution.converged.all()
            results.append((solution.value.detach().double(), gradients(dynamics, solution.value, given).double()))
        (value, gradient), (value32, gradient32) = results
        record_property("largest relative error", float((gradient32 - gradient).norm() / gradient.norm()))
        assert (value32 - value).norm() / value.norm() <= 1e-5
        assert (gradient32 - gradient).norm() / gradient.norm() <= 1e-3

    def test_clamped_conditions_leave_their_own_parameters_alone(self, kind, make):
        dynamics = make(kind)
        mask = torch.ones(1, 4, dtype=torch.bool)
        values = torch.rand(1, 4, dtype=torch.float64).requires_grad_()
        solution = steady_state(dynamics, mask, values)
        assert torch.equal(solution.core, values.detach())
        assert solution.iterations.item() == 0
        gradient = torch.autograd.grad(solution.value[..., dynamics.rows].square().sum(), [dynamics.b, values])
        assert (gradient[0] == 0).all()
        torch.testing.assert_close(gradient[1], 2 * values.detach())

    def test_unread_values_get_no_gradient(self, make, clamp):
        network = make()
        mask, values = clamp(network)
        values = torch.where(mask, values, torch.nan).requires_grad_()
        solution = steady_state(network, mask, values)
        assert solution.converged.all()
        solution.value.sum().backward()
        assert (values.grad[~mask] == 0).all()
        assert values.grad.isfinite().all()


class TestShapes:
    """Members, broadcasting, and the smallest and emptiest requests."""

    @pytest.mark.parametrize(
        "solver", [Newton(tol=1e-12), Damped(1.0, 1e-12), Anderson(tol=1e-12)], ids=lambda s: type(s).__name__
    )
    def test_members_equal_a_loop_over_them(self, kind, solver, make, clamp, gradients):
        dynamics = make(kind, batch=(3,), latent=1)
        mask, values = clamp(dynamics, C=5, lead=(3,))
        values.requires_grad_()
        solution = steady_state(dynamics, mask, values, solver=solver)
        together = gradients(dynamics, solution.value, values, split=True)
        for member in range(3):
            alone = make(kind, latent=1)
            state = dynamics.state_dict()
            own = alone.state_dict()
            alone.load_state_dict({k: v[member] if v.shape != own[k].shape else v for k, v in state.items()})
            given = values[member].detach().clone().requires_grad_()
            single = steady_state(alone, mask[member], given, solver=solver)
            torch.testing.assert_close(solution.value[member], single.value, rtol=1e-10, atol=1e-10)
            assert torch.equal(solution.status[member], single.status)
            for all_members, one in zip(together, gradients(alone, single.value, given, split=True), strict=True):
                torch.testing.assert_close(all_members[member], one, rtol=1e-8, atol=1e-9)

    @pytest.mark.parametrize("adjoint", ADJOINTS)
    def test_what_all_members_share_needs_no_member_axis(self, kind, adjoint, make, clamp, gradients):
        dynamics = make(kind, batch=(3,))
        mask, values = clamp(dynamics, C=4)
        core0 = torch.ones(4, 4, dtype=torch.float64)
        solve = {"solver": EXACT, "adjoint": ADJOINTS[adjoint]}
        wide_values = values.expand(3, 4, 4).clone().requires_grad_()
        wide = steady_state(dynamics, mask.expand(3, 4, 4), wide_values, core0=core0.expand(3, 4, 4), **solve)
        expected = gradients(dynamics, wide.value, wide_values, split=True)
        expected[-1] = expected[-1].sum(0)
        values.requires_grad_()
        for start in (core0, core0[:1], None):
            narrow = steady_state(dynamics, mask, values, core0=start, **solve)
            torch.testing.assert_close(narrow.value, wide.value, rtol=1e-10, atol=1e-11)
            for found, full in zip(gradients(dynamics, narrow.value, values, split=True), expected, strict=True):
                torch.testing.assert_close(found, full, rtol=1e-8, atol=1e-9)

    @pytest.mark.parametrize("lead", [((3,), ()), ((), (3,)), ((3,), (3,))], ids=["mask", "values", "both"])
    def test_one_network_serves_members_of_clamps(self, kind, lead, make, clamp):
        dynamics = make(kind)
        mask, values = clamp(dynamics, C=4, lead=lead[0])[0], clamp(dynamics, C=4, lead=lead[1])[1]
        solution = steady_state(dynamics, mask, values, solver=EXACT)
        solution.value.sum().backward()
        assert solution.value.shape == (3, 4, 7)
        assert solution.spectral_radius.shape == solution.status.shape == (3, 4)
        for member in range(3):
            single = steady_state(
                dynamics, mask[member] if lead[0] else mask, values[member] if lead[1] else values, solver=EXACT
            )
            torch.testing.assert_close(solution.value[member], single.value, rtol=1e-10, atol=1e-11)

    @pytest.mark.parametrize("adjoint", ADJOINTS)
    @pytest.mark.parametrize("solver", [Newton(), Damped(), Anderson()], ids=lambda s: type(s).__name__)
    def test_no_conditions_give_no_states(self, kind, solver, adjoint, make, clamp):
        dynamics = make(kind)
        mask, values = clamp(dynamics, C=3)
        solution = steady_state(dynamics, mask[:0], values[:0], solver=solver, adjoint=ADJOINTS[adjoint])
        solution.value.sum().backward()
        assert solution.value.shape == (0, 7)
        assert solution.spectral_radius.shape == solution.status.shape == (0,)
        assert all((p.grad == 0).all() for p in dynamics.parameters() if p.grad is not None)

    @given(
        R=st.integers(1, 6),
        extra=st.integers(0, 5),
        C=st.integers(1, 6),
        latent=st.integers(0, 6),
        members=st.sampled_from([(), (1,), (2,)]),
        seed=st.integers(0, 10_000),
        solver=st.sampled_from([Newton(tol=1e-11), Damped(0.5, 1e-11, 2000), Anderson(tol=1e-11)]),
    )
    @settings(max_examples=40, deadline=None)
    def test_every_converged_state_satisfies_equation_two(
        self, R, extra, C, latent, members, seed, solver, make, clamp
    ):
        network = make("hill", R=R, G=R + extra, latent=min(latent, R), batch=members, seed=seed, gain=1.0)
        mask, values = clamp(network, C=C, seed=seed)
        solution = steady_state(network, mask, values, solver=solver)
        assert (solution.status != Status.NONFINITE).all()
        x = solution.value.detach().numpy()
        core = solution.core.numpy()
        A, b = network.A.detach().numpy(), network.b.detach().numpy()
        gamma, n, K = (network.named_values()[k].numpy()[..., None, None] for k in ("gamma", "n", "K"))
        h = 1 / (1 + (K / np.clip(core, 1e-6, 50.0)) ** n)
        expected = (b[..., None, :] + h @ np.swapaxes(A, -1, -2)) / gamma
        for j, row in enumerate(network.rows.tolist()):
            if row >= 0:
                clamped = np.broadcast_to(mask[:, j].numpy(), expected.shape[:-1])
                expected[..., row] = np.where(clamped, values[:, j].numpy(), expected[..., row])
                np.testing.assert_array_equal(x[..., row], core[..., j])
        ended = solution.converged.numpy()
        np.testing.assert_allclose(x[ended], expected[ended], rtol=1e-9, atol=1e-9)


class TestStatus:
    """Bar 3, and what the diagnostics say."""

    @pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
    @pytest.mark.parametrize("where", ["core row", "readout row", "b core", "b readout", "log_gamma", "log_n", "log_K"])
    def test_a_member_whose_parameters_are_not_finite(self, where, bad, make, clamp):
        network = make("hill", batch=(2,), rows=torch.tensor([0, 1, 2, 3]))
        mask, values = clamp(network, C=3)
        clean = steady_state(network, mask, values)
        target, index = {
            "core row": (network.A, (1, 0, 2)),
            "readout row": (network.A, (1, 6, 2)),
            "b core": (network.b, (1, 0)),
            "b readout": (network.b, (1, 6)),
            "log_gamma": (network.log_gamma, 1),
            "log_n": (network.activation.log_n, 1),
            "log_K": (network.activation.log_K, 1),
        }[where]
        with torch.no_grad():
            target[index] = bad
        for check in (True, False):
            solution = steady_state(network, mask, values, check_stability=check)
            affected = solution.status[1]
            if where in ("core row", "b core"):
                # Where gene 0 is clamped, its own production is never used.
                assert (affected[~mask[:, 0]] == Status.NONFINITE).all()
            else:
                assert (affected == Status.NONFINITE).all()
            assert torch.equal(solution.status[0], clean.status[0])
            assert torch.equal(solution.core[0], clean.core[0])
        assert solution.spectral_radius.shape == (2, 3)
        assert "NaN or infinity" in solution.describe()

    @pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
    @pytest.mark.parametrize("adjoint", ["reduced", "direct", "iterative"])
    def test_a_clamp_value_that_is_not_finite(self, kind, adjoint, bad, make, clamp, gradients):
        dynamics = make(kind)
        mask, values = clamp(dynamics, C=4)
        options = {"adjoint": ADJOINTS[adjoint], "solver": EXACT}
        others = torch.tensor([0, 1, 3])
        kept = values[others].requires_grad_()
        clean = steady_state(dynamics, mask[others], kept, **options)
        expected = gradients(dynamics, clean.value, kept, split=True)
        values[2] = bad
        values.requires_grad_()
        solution = steady_state(dynamics, mask, values, **options)
        assert solution.status.tolist() == [0, 0, Status.NONFINITE, 0]
        assert solution.value[2].isnan().all()
        torch.testing.assert_close(solution.value[others], clean.value, rtol=1e-12, atol=1e-13)
        # A loss over what converged is differentiable: the spoilt condition contributes nothing, not NaN.
        found = gradients(dynamics, solution.value[solution.converged], values, split=True)
        expected[-1] = torch.zeros_like(values).index_copy(0, others, expected[-1])
        for f, e in zip(found, expected, strict=True):
            torch.testing.assert_close(f, e, rtol=1e-9, atol=1e-10)
        assert solution.spectral_radius[2].isnan()
        assert solution.spectral_radius[others].isfinite().all()

    def test_states_outside_the_bounds_are_kept_counted_and_deaf(self, make):
        network = make("hill", rows=torch.tensor([0, 1, 2, 3]))
        with torch.no_grad():
            network.b[:4] = torch.tensor([70.0, -5.0, 0.9, 0.9])
        mask, values = torch.zeros(2, 4, dtype=torch.bool), torch.zeros(2, 4, dtype=torch.float64)
        mask[1, 2] = True
        solution = steady_state(network, mask, values, adjoint=ReducedImplicit(0.0))
        assert solution.converged.all()
        assert solution.at_bounds.tolist() == [2, 3]
        assert (solution.core[:, 0] > 50).all()
        assert (solution.core[:, 1] < 0).all()
        torch.testing.assert_close(solution.value[:, :4].detach(), solution.core)
        assert (solution.linearisation.dense()[..., :2] == 0).all()
        # Genes 0 and 1 are seen only through themselves: nothing passes on through a projected argument.
        seen = torch.autograd.grad(solution.value[:, 4:].sum(), network.b)[0]
        assert (seen[:2] == 0).all()
        assert (seen[2:] != 0).all()

    def test_stability_check_can_be_left_out(self, make):
        network = make("hill", R=1, G=1, rows=torch.tensor([0]))
        with torch.no_grad():
            network.A.fill_(-8.0)
            network.b.fill_(8.5)
            network.activation.log_n.fill_(1.8)
        none = torch.zeros(1, 1, dtype=torch.bool), torch.zeros(1, 1, dtype=torch.float64)
        checked, unchecked = (steady_state(network, *none, check_stability=c) for c in (True, False))
        assert checked.status.item() == Status.UNSTABLE
        assert unchecked.status.item() == Status.CONVERGED
        assert checked.spectral_radius.item() >= 1
        assert "repels" in checked.describe()

    def test_rate_is_observed_and_radius_exact(self, make, clamp):
        network = make("hill", gain=1.5)
        mask, values = clamp(network, C=3)
        solution = steady_state(network, mask, values, solver=Damped(1.0, 1e-11, 500))
        exact = np.abs(np.linalg.eigvals(solution.linearisation.dense().detach().numpy())).max(-1)
        np.testing.assert_allclose(solution.spectral_radius, exact, rtol=1e-10, atol=1e-14)

    def test_a_warm_start_changes_the_steps_only(self, kind, make, clamp):
        dynamics = make(kind)
        mask, values = clamp(dynamics)
        cold = steady_state(dynamics, mask, values, solver=Damped(1.0, 1e-12))
        warm = steady_state(dynamics, mask, values, solver=Damped(1.0, 1e-12), core0=cold.core)
        assert (warm.iterations == 0).all()
        assert torch.equal(warm.core, cold.core)


class TestErrors:
    """What cannot be solved is named before anything is computed."""

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"mask": (2, 3)}, "one column per"),
            ({"values": (4,)}, "values has shape"),
            ({"values": (3, 4)}, "do not fit together"),
            ({"core0": (5, 2, 4)}, "do not fit together"),
            ({"core0": (4,)}, "core0 has shape"),
        ],
    )
    def test_shapes(self, change, message, make):
        network = make(batch=(3,))
        given = {"mask": torch.zeros(2, 4, dtype=torch.bool), "values": torch.zeros(2, 4, dtype=torch.float64)}
        for name, shape in change.items():
            given[name] = torch.zeros(shape, dtype=torch.bool if name == "mask" else torch.float64)
        with pytest.raises(InputError, match=message):
            steady_state(network, given.pop("mask"), given.pop("values"), **given)

    def test_dtypes(self, make, clamp):
        network = make()
        mask, values = clamp(network)
        with pytest.raises(InputError, match=r"torch\.bool"):
            steady_state(network, mask.double(), values)
        with pytest.raises(InputError, match=r"values has dtype torch\.float32"):
            steady_state(network, mask, values.float())
        with pytest.raises(InputError, match="core0 has dtype"):
            steady_state(network, mask, values, core0=values.float())

    def test_a_free_latent_regulator(self, make, clamp):
        network = make(latent=1)
        mask, values = clamp(network)
        mask[0, 3] = False
        with pytest.raises(InputError, match="latent regulator free"):
            steady_state(network, mask, values)
