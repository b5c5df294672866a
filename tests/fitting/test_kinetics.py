"""Kinetics by name, and kinetics of one's own."""

import numpy as np
import pytest
import torch

import scclamp as sc_c
from scclamp._errors import InputError
from scclamp.fitting import FitConfig, register_kinetics
from scclamp.fitting import kinetics as room
from scclamp.physics import Activation, GeneralizedHill, Hill


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    monkeypatch.setattr(room, "_MAKERS", dict(room._MAKERS))


class Root(Activation):
    """h(x) = sqrt(x / K), with a fitted K for each regulator."""

    name = "root"

    def __init__(self, n_regulators, n, K, *, batch_shape, bounds):
        super().__init__(bounds)
        self.log_K = torch.nn.Parameter(torch.full((*batch_shape, n_regulators), float(K)).log())

    def forward(self, x):
        return (self.guard(x) / self.log_K.exp()[..., None, :]).sqrt()

    def slope(self, x):
        return self(x) / (2 * self.guard(x)) * self.inside(x)

    def named_values(self):
        return {"K": self.log_K.detach().exp()}


def test_kinetics_of_ones_own_are_fitted_stored_and_read(tmp_path):
    register_kinetics("root", Root)
    adata = sc_c.datasets.simulated("tiny")
    sc_c.tl.fit(adata, kinetics="root", max_epochs=5, start="random", K=0.7)
    answer = sc_c.tl.predict_clamps(adata, ["REG01"], combination="steady_state")
    x = np.asarray(answer.layers["predicted"], float)[0]
    A, b, K = adata.varm["clamp_A"], adata.var["clamp_b"].to_numpy(), adata.uns["clamp"]["kinetics"]["K"]
    core = adata.var_names.get_indexer(adata.uns["clamp"]["regulators"])
    free = adata.var_names != "REG01"
    np.testing.assert_allclose(x[free], (b + A @ np.sqrt(x[core] / K))[free], rtol=1e-3, atol=1e-3)
    sc_c.write(adata, tmp_path / "a.h5ad")
    back = sc_c.tl.predict_clamps(sc_c.read(tmp_path / "a.h5ad"), ["REG01"], combination="steady_state")
    np.testing.assert_array_equal(back.layers["predicted"], answer.layers["predicted"])


def test_a_fit_with_kinetics_that_nobody_registered_says_so():
    register_kinetics("root", Root)
    adata = sc_c.datasets.simulated("tiny")
    sc_c.tl.fit(adata, kinetics="root", max_epochs=1)
    del room._MAKERS["root"]
    with pytest.raises(InputError, match=r"kinetics='root'.*register_kinetics"):
        sc_c.tl.predict_clamps(adata, ["REG01"])


@pytest.mark.parametrize(
    "name", ["hill", "michaelis_menten", "mass_action", "generalized_hill", "multi_regulator_hill"]
)
def test_every_name_makes_an_activation_with_its_bounds(name):
    made = room.make_activation(name, 3, 2.0, 0.5, batch_shape=(2,), bounds=(1e-3, 9.0))
    assert made.bounds == (1e-3, 9.0)
    assert made(torch.full((2, 4, 3), 0.5)).shape == (2, 4, 3)
    values = made.named_values()
    if isinstance(made, Hill):
        expected = (2, 3) if isinstance(made, GeneralizedHill) else (2,)
        assert values["K"].shape == expected
        assert float(made(torch.full((2, 4, 3), 0.5)).detach().mean()) == pytest.approx(0.5)


def test_a_definition_run_twice_replaces_itself_and_others_do_not():
    register_kinetics("root", Root)
    again = type("Root", (Root,), {"__module__": Root.__module__, "__qualname__": Root.__qualname__})
    register_kinetics("root", again)
    assert room._MAKERS["root"] is again
    with pytest.raises(InputError, match="taken"):
        register_kinetics("root", GeneralizedHill)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("hill", Root, "taken"),
        ("neural_drift", Root, "taken"),
        ("my kinetics", Root, "word"),
        ("mine", 3, "callable|class"),
    ],
)
def test_what_cannot_be_registered(name, make, message):
    with pytest.raises(InputError, match=message):
        register_kinetics(name, make)
    assert FitConfig().kinetics == "generalized_hill"
