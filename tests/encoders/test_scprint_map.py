"""From states to counts, and from tokens to an embedding."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from scclamp.encoders._genes import GeneMapping
from scclamp.encoders._scprint_config import ScPRINTConfig
from scclamp.encoders._scprint_map import ScPRINTMap
from scclamp.encoders._scprint_model import ScPRINTModel
from scclamp.encoders._weights import fit_state

layout = runpy.run_path(str(Path(__file__).parent / "_scprint_layout.py"))
TOKENS = np.array([4, -1, 6, 2, 0])
COUNTS = np.array([[0, 7, 900, 1.5, 2], [12, 0, 0, 3, 4], [1, 2, 3, 4, 5.0]])


def map_of(spare=None, n_positions=0, **changes):
    state = layout["weights"](7, n_rows=4 + (spare is not None), n_positions=n_positions, heads=False)
    model = ScPRINTModel(ScPRINTConfig.of(state, layout["settings"](layout["identifiers"](7)), spare))
    fit_state(model, state)
    mapping = GeneMapping(tuple("abcde"), TOKENS, missing=("b",))
    positions = np.array([0, 0, 2, 1]) if n_positions else None
    options = {"depth": 8000.0, "target_sum": 1e4, "normalization": "log", "tokens": "mean", "zeros": True}
    return ScPRINTMap(model, mapping, positions, **(options | changes)).double().eval(), state


def states(counts, depth=8000.0, target_sum=1e4):
    return torch.tensor(np.log1p(counts / depth * target_sum))


@pytest.mark.parametrize("zeros", [True, False])
@pytest.mark.parametrize("normalization", ["log", "sum"])
@pytest.mark.parametrize("spare", [None, "metacell", "depth"])
def test_embeddings_are_those_of_numpy(spare, normalization, zeros):
    known = TOKENS >= 0
    options = {"normalization": normalization, "zeros": zeros}
    _, state = map_of(spare)
    hidden, n_cell = layout["hidden"](state, TOKENS[known], COUNTS[:, known], 8000, spare=spare, **options)
    mean, base = (map_of(spare, tokens=tokens, **options)[0](states(COUNTS)).detach() for tokens in ("mean", "base"))
    np.testing.assert_allclose(mean, hidden[:, :n_cell].mean(1), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(base, hidden[:, n_cell - 4], rtol=1e-9, atol=1e-12)


def test_depth_and_target_sum_and_positions_are_used():
    known = TOKENS >= 0
    function, state = map_of(n_positions=3, depth=300.0, target_sum=500.0)
    hidden, n_cell = layout["hidden"](state, TOKENS[known], COUNTS[:, known], 300, rows=[0, 0, 2, 1])
    found = function(states(COUNTS, 300.0, 500.0)).detach()
    np.testing.assert_allclose(found, hidden[:, :n_cell].mean(1), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("normalization", ["log", "sum"])
def test_below_zero_is_zero_and_cells_may_be_empty(normalization):
    function, _ = map_of(normalization=normalization)
    x = torch.tensor([[-0.5, 1.0, 2.0, -3.0, 0.2], [-1.0, -1, -1, -1, -1]], dtype=torch.float64)
    torch.testing.assert_close(function(x), function(x.clamp(min=0)), rtol=0, atol=0)
    y = x.requires_grad_()
    (gradient,) = torch.autograd.grad(function(y).square().sum(), y)
    assert gradient.isfinite().all()
    assert gradient[0, [2, 4]].all()
    assert not gradient[1].any()


@pytest.mark.parametrize("tokens", ["mean", "base"])
@pytest.mark.parametrize("normalization", ["log", "sum"])
def test_gradients_are_finite_differences(normalization, tokens):
    function, _ = map_of(normalization=normalization, tokens=tokens)
    x = states(COUNTS[:2]).clamp(min=0.05).requires_grad_()
    assert torch.autograd.gradcheck(function, x, eps=1e-6, atol=1e-6)
    # A gene at zero pulls as much as one just above it, so that a fit can raise it.
    low = torch.zeros(1, 5, dtype=torch.float64)
    low[0, 3] = 1.0
    slopes = [torch.autograd.functional.jacobian(function, low + shift) for shift in (0.0, 1e-9)]
    torch.testing.assert_close(slopes[0], slopes[1], rtol=1e-5, atol=1e-7)
    assert slopes[0][0, :, 0, 0].any()


def test_settings_are_in_its_description():
    kinds = [{}, {"depth": 9.0}, {"target_sum": 9.0}, {"normalization": "sum"}, {"tokens": "base"}, {"zeros": False}]
    assert len({repr(map_of(**kind)[0]) for kind in kinds}) == len(kinds)
