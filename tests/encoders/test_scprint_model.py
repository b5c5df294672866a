"""The network against numpy, token by token and head by head."""

import math
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from scclamp.encoders._scprint_config import ScPRINTConfig
from scclamp.encoders._scprint_model import ScPRINTModel
from scclamp.encoders._weights import fit_state

layout = runpy.run_path(str(Path(__file__).parent / "_scprint_layout.py"))
TOKENS = np.array([4, 0, 6, 2])
COUNTS = np.array([[0, 3, 900, 1.5], [12, 0, 0, 0], [0, 0, 0, 0]])


def model_of(spare=None, n_positions=0):
    genes = layout["identifiers"](7)
    state = layout["weights"](7, n_rows=4 + (spare is not None), n_positions=n_positions, heads=False)
    model = ScPRINTModel(ScPRINTConfig.of(state, layout["settings"](genes), spare)).double().eval()
    fit_state(model, state)
    return model, state


@pytest.mark.parametrize("zeros", [True, False])
@pytest.mark.parametrize("spare", [None, "metacell", "depth"])
def test_hidden_states_are_those_of_numpy(spare, zeros):
    model, state = model_of(spare)
    expected, n_cell = layout["hidden"](state, TOKENS, COUNTS, 9000, spare=spare, zeros=zeros)
    values, depth = torch.tensor(np.log2(1 + COUNTS)), torch.tensor(math.log2(9001), dtype=torch.float64)
    present = None if zeros else torch.tensor(COUNTS > 0)
    found = model(torch.tensor(TOKENS), values, depth, None, present).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    assert (model.n_cell, model.base) == (n_cell, 2 if spare == "metacell" else 1)
    assert n_cell == (6 if spare == "metacell" else 5)


def test_positions_are_added_to_the_genes():
    model, state = model_of(n_positions=3)
    rows = np.array([2, 0, 0, 1])
    expected, _ = layout["hidden"](state, TOKENS, COUNTS, 500, rows=rows)
    depth = torch.tensor(math.log2(501), dtype=torch.float64)
    found = model(torch.tensor(TOKENS), torch.tensor(np.log2(1 + COUNTS)), depth, torch.tensor(rows))
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-9, atol=1e-12)
    without, _ = layout["hidden"](state, TOKENS, COUNTS, 500)
    assert np.abs(without - expected).max() > 0.01


def test_what_weights_do_not_tell_is_in_its_description():
    assert "heads=2" in repr(model_of()[0])
    assert repr(model_of("metacell")[0]) != repr(model_of("depth")[0])
