"""Changes of reconstructed genes, asked one state at a time."""

import numpy as np
import pytest
import torch

from scclamp._errors import InputError
from scclamp._settings import settings
from scclamp.probes import effect_and_strength, virtual_value_perturbation

G = 7
_g = torch.Generator().manual_seed(0)
W = torch.randn(G, G, generator=_g, dtype=torch.float64)
V = torch.randn(G, G, generator=_g, dtype=torch.float64)
STATE = torch.rand(G, generator=_g, dtype=torch.float64)
VALUES = torch.tensor([0.0, 0.3, 1.7, 4.0], dtype=torch.float64)
SOURCES, TARGETS = torch.tensor([4, 0, 2]), torch.tensor([1, 4, 6, 5, 3])


def net(x):
    return torch.tanh(x @ W) @ V


@pytest.mark.parametrize("batch_size", [1, 5, 100])
def test_linear_maps_answer_with_their_weights_times_the_step(batch_size):
    found = virtual_value_perturbation(lambda x: x @ W + 2, STATE, VALUES, SOURCES, TARGETS, batch_size=batch_size)
    steps = VALUES[None] - STATE[SOURCES][:, None]
    weights = W[SOURCES][:, TARGETS]
    np.testing.assert_allclose(found, weights[:, :, None] * steps[:, None, :], atol=1e-13)
    effect, strength = effect_and_strength(found, steps)
    np.testing.assert_allclose(effect, weights, atol=1e-12)
    np.testing.assert_allclose(strength, weights.abs(), atol=1e-12)


def test_nonlinear_maps_are_asked_at_every_value():
    found = virtual_value_perturbation(net, STATE, VALUES, SOURCES, TARGETS, batch_size=4)
    for a, i in enumerate(SOURCES):
        for m, value in enumerate(VALUES):
            state = STATE.clone()
            state[i] = value
            np.testing.assert_allclose(found[a, :, m], (net(state) - net(STATE))[TARGETS], atol=1e-13)


def test_condensed_features_are_least_squares_and_root_mean_square():
    found = virtual_value_perturbation(net, STATE, VALUES, SOURCES, TARGETS)
    steps = VALUES[None] - STATE[SOURCES][:, None]
    effect, strength = effect_and_strength(found, steps)
    for a in range(len(SOURCES)):
        for b in range(len(TARGETS)):
            x, y = steps[a].numpy(), found[a, b].numpy()
            assert effect[a, b] == pytest.approx(np.linalg.lstsq(x[:, None], y, rcond=None)[0][0])
            assert strength[a, b] == pytest.approx(np.linalg.norm(y) / np.linalg.norm(x))


def test_an_answer_up_and_down_has_strength_without_slope():
    effect, strength = effect_and_strength(torch.tensor([[[3.0, 3.0]]]), torch.tensor([[-1.0, 1.0]]))
    assert (effect.item(), strength.item()) == (0, 3)


def test_a_source_that_does_not_move_is_refused():
    with pytest.raises(InputError, match="source 1"):
        effect_and_strength(torch.zeros(2, 1, 1), torch.tensor([[1.0], [0.0]]))


def test_no_more_states_than_a_batch_and_no_graph():
    seen = []

    def reconstruct(x):
        seen.append((len(x), torch.is_grad_enabled()))
        return x

    virtual_value_perturbation(reconstruct, STATE, VALUES, SOURCES, TARGETS, batch_size=5)
    assert seen == [(1, False), (5, False), (5, False), (2, False)]


def test_features_that_do_not_fit_are_refused_before_any_call():
    genes = torch.arange(1000).clamp(max=G - 1)
    # 1,000 x 1,000 pairs with 8 values in double precision are 64 MB.
    with settings.override(max_memory=0.06), pytest.raises(InputError, match=r"1000 x 1000 pairs would take 0\.064 GB"):
        virtual_value_perturbation(pytest.fail, STATE, VALUES.repeat(2), genes, genes)
