import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scclamp as sc_c
from scclamp._errors import InputError

pytestmark = pytest.mark.filterwarnings(r"ignore:.*(infer_string|chained_assignment|inplace keyword)")
fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))


@pytest.fixture(scope="module")
def screen():
    return fits["simulated_fit"]()


def test_table_is_the_matrix_without_its_diagonal(screen):
    edges = sc_c.get.adjacency(screen)
    regulators = list(screen.uns["clamp"]["regulators"])
    assert list(edges.columns) == ["regulator", "target", "weight", "latent"]
    assert len(edges) == 60 * 8 - 8
    assert (edges["regulator"] != edges["target"]).all()
    assert edges["weight"].abs().is_monotonic_decreasing
    whole = sc_c.get.adjacency(screen, include_self=True).pivot(index="target", columns="regulator", values="weight")
    np.testing.assert_array_equal(whole.loc[screen.var_names, regulators], screen.varm["clamp_A"])


def test_regulators_targets_and_weights_can_be_chosen(screen):
    edges = sc_c.get.adjacency(screen, regulators=["REG02", "REG01"], targets="GENE0001")
    assert {*zip(edges["regulator"], edges["target"], strict=True)} == {("REG01", "GENE0001"), ("REG02", "GENE0001")}
    strong = sc_c.get.adjacency(screen, min_weight=0.5)
    everything = sc_c.get.adjacency(screen)
    pd.testing.assert_frame_equal(strong, everything[everything["weight"].abs() >= 0.5])
    assert 0 < len(strong) < len(everything)


def test_ensembles_have_a_spread_and_an_agreement():
    screen = fits["simulated_fit"](n_members=4, spread=0.5)
    A = screen.uns["clamp"]["members"]["A"]
    edges = sc_c.get.adjacency(screen)
    row, column = screen.var_names.get_loc("GENE0004"), list(screen.uns["clamp"]["regulators"]).index("REG04")
    edge = edges.set_index(["regulator", "target"]).loc[("REG04", "GENE0004")]
    members = A[:, row, column]
    assert edge["weight"] == pytest.approx(members.mean(), rel=1e-6)
    assert edge["sd"] == pytest.approx(members.std(ddof=1), rel=1e-5)
    assert edge["sign_agreement"] == np.mean(np.sign(members) == np.sign(members.mean()))
    assert edges["sign_agreement"].min() < 1


def test_ensembles_of_resamples_agree_with_their_first_member():
    screen = fits["simulated_fit"](n_members=4, spread=1.0, params={"point": "first"})
    A = screen.uns["clamp"]["members"]["A"]
    edges = sc_c.get.adjacency(screen, include_self=True)
    table = edges.pivot(index="target", columns="regulator").loc[screen.var_names]
    np.testing.assert_array_equal(table["weight"], A[0])
    np.testing.assert_allclose(table["sd"], np.sqrt(((A[1:] - A[0]) ** 2).mean(0)), rtol=1e-5)
    np.testing.assert_allclose(table["sign_agreement"], (np.sign(A[1:]) == np.sign(A[0])).mean(0))
    assert (np.sign(A[0]) != np.sign(A.mean(0))).any()


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_tables_are_the_same_after_a_file(suffix, tmp_path):
    screen = fits["simulated_fit"](n_members=3, spread=0.1)
    sc_c.write(screen, tmp_path / f"a.{suffix}")
    stored = sc_c.read(tmp_path / f"a.{suffix}")
    for table in (sc_c.get.adjacency, sc_c.get.kinetics, sc_c.get.top_targets):
        pd.testing.assert_frame_equal(table(stored), table(screen))


def test_modality_of_mudata_after_a_file(screen, tmp_path):
    mudata = pytest.importorskip("mudata")
    sc_c.write(mudata.MuData({"rna": screen.copy()}), tmp_path / "a.h5mu")
    stored = sc_c.read(tmp_path / "a.h5mu")
    pd.testing.assert_frame_equal(sc_c.get.adjacency(stored, mod="rna"), sc_c.get.adjacency(screen))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"regulators": "REG1"}, r"regulators: 'REG1' is not there\. Did you mean 'REG01'"),
        ({"targets": ["GENE0001", "gene2"]}, r"targets: 'gene2' is not there\."),
        ({"min_weight": -1}, "min_weight=-1 must be 0 or above"),
        ({"min_weight": float("nan")}, "min_weight=nan must be 0 or above"),
        ({"key": "other"}, "key='other' is no fit"),
    ],
)
def test_errors_name_the_argument(screen, arguments, message):
    with pytest.raises(InputError, match=message):
        sc_c.get.adjacency(screen, **arguments)
