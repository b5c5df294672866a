"""What all dynamics share: which rows are allowed, how the core's state becomes every gene's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scclamp._errors import InputError
from scclamp.physics import Network, NeuralDrift


@pytest.mark.parametrize("cls", [Network, NeuralDrift])
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([0, 5], "range of 5 genes"),
        ([-2, 1], "range of 5 genes"),
        ([1, 1], "twice"),
        ([], "at least one"),
        ([[0, 1]], "at least one"),
    ],
)
def test_unusable_rows_are_named(cls, rows, message):
    with pytest.raises(InputError, match=message):
        cls(5, torch.tensor(rows, dtype=torch.int64))


def test_several_latent_regulators_are_no_duplicates():
    assert Network(3, torch.tensor([-1, 0, -1])).measured.tolist() == [1]


def test_core_is_the_regulators_share_of_production(kind, make, clamp):
    dynamics = make(kind)
    _, x = clamp(dynamics)
    whole = dynamics.production(x) / dynamics.gamma
    torch.testing.assert_close(dynamics.core()(x), whole[..., dynamics.rows])


@pytest.mark.parametrize("batch", [(), (3,)])
def test_readout_keeps_the_core_and_skips_latent_regulators(kind, batch, make):
    dynamics = make(kind, latent=1, batch=batch)
    core = 0.5 + torch.rand(*batch, 2, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    value = dynamics.readout(core).detach().numpy()
    produced = (dynamics.production(core) / dynamics.gamma).detach().numpy()
    rows = dynamics.rows.tolist()
    for gene in range(7):
        expected = core[..., rows.index(gene)] if gene in rows else produced[..., gene]
        np.testing.assert_allclose(value[..., gene], expected, rtol=0 if gene in rows else 1e-14)


def test_rest_is_the_state_without_regulation(make):
    dynamics = make(batch=(2,))
    expected = (dynamics.b / dynamics.log_gamma.exp()[:, None])[:, dynamics.rows]
    torch.testing.assert_close(dynamics.rest(), expected[:, None])


def test_gamma_is_named_in_natural_units(make):
    dynamics = make(batch=(2,))
    torch.testing.assert_close(dynamics.named_values()["gamma"], dynamics.log_gamma.exp())
    assert dynamics.batch_shape == (2,)
