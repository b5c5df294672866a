"""Noise-free states against scipy's root finder, which knows nothing of cores, readouts or clamps."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import optimize

from scclamp.datasets._simulation_config import PRESETS
from scclamp.datasets._truth_network import draw_network, hill
from scclamp.datasets._truth_states import make_design, solve

REGULATORS = tuple(f"R{j}" for j in range(8))


@pytest.mark.parametrize("kinetics", [{}, {"n": 3.0, "K": 0.8, "gamma": 1.7}, {"n": 1.0, "mode": "CRISPRi"}])
def test_states_against_scipy(kinetics):
    truth = draw_network(dataclasses.replace(PRESETS["tiny"], **kinetics), np.random.default_rng(3))
    design = make_design(REGULATORS, ("R0+R1", "R2+R5+R7"), np.random.default_rng(0))
    states = solve(truth, design.mask)
    for mask, state in zip(design.mask, states, strict=True):
        held = truth.rows[mask]

        def residual(x, held=held, mask=mask):
            f = truth.b + truth.A @ hill(np.maximum(x[truth.rows], 1e-9), truth.n, truth.K) - truth.gamma * x
            f[held] = x[held] - truth.clamps[mask]
            return f

        root = optimize.root(residual, truth.control, tol=1e-13)
        assert np.abs(root.fun).max() < 1e-10
        np.testing.assert_allclose(state, root.x, rtol=1e-9)


def test_unperturbed_state_is_the_control():
    truth = draw_network(PRESETS["tiny"], np.random.default_rng(0))
    states = solve(truth, np.zeros((1, 8), dtype=bool))
    np.testing.assert_allclose(states[0], truth.control, atol=1e-11)


def test_sampled_doubles_are_distinct():
    design = make_design(REGULATORS, 20, np.random.default_rng(0))
    assert len(set(design.names)) == len(design.names) == 1 + 8 + 20
    assert sorted(design.mask.sum(axis=1)) == [0] + [1] * 8 + [2] * 20
