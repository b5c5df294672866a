"""Two regulators that switch each other on have two attractors; predictions stay at the one that was fitted."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import torch

import scclamp as sc_c
from scclamp.physics import Hill, Network, steady_state


@pytest.fixture(scope="module")
def switch():
    """High control; either regulator knocked down switches both off."""
    network = Network(8, torch.tensor([0, 1]), activation=Hill(4.0, 1.0)).double().requires_grad_(False)
    readout = [[1, 0.5], [0.5, -0.3], [0.7, 0.1], [-0.3, 0.2], [0.1, 0.9], [0.6, 0.6]]
    network.A.copy_(torch.tensor([[0, 1.5], [1.5, 0], *readout]))
    network.b.copy_(torch.tensor([0.3, 0.3] + [1.0] * 6))
    mask = torch.tensor([[0, 0], [1, 0], [0, 1]]).bool()
    values = torch.tensor([[0.0, 0], [0.05, 0], [0, 0.05]]).double()
    start = torch.tensor([[2.0, 2.0], [0.05, 0.3], [0.3, 0.05]]).double()
    states = steady_state(network, mask, values, core0=start).value.numpy()
    low = steady_state(network, mask, values, core0=torch.zeros(3, 2).double()).value[0, 0].item()
    assert states[0, 0] > low + 1, "the control must have two attractors"
    obs = pd.DataFrame({"perturbation": ["control", "G0", "G1"]}, index=list("abc"))
    return ad.AnnData(states, obs=obs, var=pd.DataFrame(index=[f"G{i}" for i in range(8)]))


def test_prediction_stays_where_the_fit_was(switch):
    with pytest.warns(UserWarning, match="validate"):
        fitted = sc_c.tl.fit(
            switch, max_epochs=300, patience=300, n=4.0, K=1.0, kinetics="hill", denoise=0.0, copy=True
        )
    assert fitted.uns["clamp"]["history"]["validation"].min() < 0.01
    predicted = sc_c.tl.predict_clamps(fitted, ["control", "G0", "G1"])
    np.testing.assert_allclose(predicted.layers["predicted"], switch.X, atol=0.1)
    core = fitted.uns["clamp"]["diagnostics"]["core"]
    np.testing.assert_allclose(predicted.layers["predicted"][:, :2], core[0], atol=1e-4)
