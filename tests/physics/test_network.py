"""The network's production against numpy, and its named errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scclamp._errors import InputError
from scclamp.physics import GeneralizedHill, Hill, HillOfSum, MassAction, Network, Saturating


def test_production_is_equation_one(make):
    network = make("hill", R=3, G=6, batch=(2,))
    x = 0.1 + 3 * torch.rand(2, 4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = network.production(x).detach().numpy()
    A, b = network.A.detach().numpy(), network.b.detach().numpy()
    n, K = (network.named_values()[k].detach().numpy() for k in ("n", "K"))
    for member in range(2):
        h = x[member].numpy() ** n[member] / (K[member] ** n[member] + x[member].numpy() ** n[member])
        for c in range(4):
            np.testing.assert_allclose(found[member, c], b[member] + A[member] @ h[c], rtol=1e-12)


def test_only_regulator_columns_exist():
    network = Network(5, torch.tensor([4, 1]), batch_shape=(3,))
    assert {k: tuple(p.shape) for k, p in network.named_parameters()} == {
        "A": (3, 5, 2),
        "b": (3, 5),
        "log_gamma": (3,),
        "activation.log_n": (3,),
        "activation.log_K": (3,),
    }


def test_rows_travel_with_the_state_dict():
    network = Network(5, torch.tensor([4, 1]))
    other = Network(5, torch.tensor([0, 2]))
    other.load_state_dict(network.state_dict())
    assert other.rows.tolist() == [4, 1]


def test_constants_shared_between_members_are_refused():
    rows = torch.tensor([0, 1])
    for kinetics in (
        {"activation": Hill()},
        {"activation": GeneralizedHill(2, batch_shape=(4,))},
        {"activation": Hill(batch_shape=(3,)), "integration": Saturating(torch.ones(5))},
    ):
        with pytest.raises(InputError, match=r"batch_shape=\(3,\)"):
            Network(5, rows, batch_shape=(3,), **kinetics)


def test_named_values_collect_every_constant(make):
    assert set(make("hill").named_values()) == {"gamma", "n", "K"}
    assert set(make("saturating").named_values()) == {"gamma", "n", "K", "limit"}
    assert make("generalized_hill").named_values()["n"].shape == (4,)


def test_two_constants_under_one_name_are_refused():
    rows = torch.tensor([0, 1])
    with pytest.raises(
        InputError, match=r"activation='hill' and integration='hill_of_sum' both have constants named K, n"
    ):
        Network(5, rows, activation=Hill(), integration=HillOfSum())
    assert set(Network(5, rows, activation=MassAction(), integration=HillOfSum()).named_values()) == {"gamma", "n", "K"}
