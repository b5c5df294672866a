import runpy
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import root

import scclamp as sc_c
from scclamp._errors import InputError, StorageError

# What anndata and mudata ask of pandas 3 and pandas has deprecated.
pytestmark = pytest.mark.filterwarnings(r"ignore:.*(infer_string|chained_assignment|inplace keyword)")
STORED_FITS = Path(__file__).parents[1] / "_stored_fits.py"
fits = runpy.run_path(str(STORED_FITS))
simulated_fit, truth_of = fits["simulated_fit"], fits["truth_of"]


@pytest.fixture(scope="module")
def screen():
    return simulated_fit()


def test_true_network_predicts_the_noise_free_states(screen):
    truth = truth_of(screen)
    answer = sc_c.tl.predict_clamps(screen, list(truth.index))
    assert answer.X is None
    assert list(answer.obs_names) == list(truth.index)
    assert list(answer.var_names) == list(screen.var_names)
    assert (answer.obs["status"] == "converged").all()
    assert answer.layers["predicted"].dtype == np.float32
    np.testing.assert_allclose(answer.layers["predicted"], truth, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(answer.var["control"], truth.loc["control"], rtol=1e-5)
    np.testing.assert_allclose(answer.layers["shift"], truth - truth.loc["control"], atol=1e-5)
    effects = truth - truth.loc["control"]
    additive = [
        truth.loc["control"] + effects.loc[[] if name == "control" else name.split("+")].sum() for name in truth.index
    ]
    np.testing.assert_allclose(answer.layers["additive"], additive, atol=2e-5)
    assert answer.obs["n_genes_perturbed"].tolist() == [0 if n == "control" else n.count("+") + 1 for n in truth.index]


def test_doses_are_where_the_genes_are_held_and_the_rest_settles(screen):
    dose = {"REG01": 2.5, "REG03": 0.0, "REG05": 1.25}
    answer = sc_c.tl.predict_clamps(screen, [dose, {"REG01": 2.5}, {"REG03": 0.0}, {"REG05": 1.25}])
    assert list(answer.obs["targets"]) == ["REG01+REG03+REG05", "REG01", "REG03", "REG05"]
    assert list(answer.obs["doses"]) == ["2.5+0+1.25", "2.5", "0", "1.25"]
    state = pd.Series(answer.layers["predicted"][0].astype(float), screen.var_names)
    assert state[list(dose)].to_dict() == dose
    A, b = screen.varm["true_A"], screen.var["true_b"].to_numpy()
    regulators = list(screen.uns["truth"]["regulators"])
    rows = screen.var_names.get_indexer(pd.Index(regulators))
    held = np.isin(regulators, list(dose))
    values = np.array([dose.get(r, 0.0) for r in regulators])

    def production(x):
        x = np.clip(x, 1e-6, 50)
        return b + A @ (x**2 / (1 + x**2))

    found = root(lambda x: np.where(held, values, production(x)[rows]) - x, np.ones(8), tol=1e-13)
    expected = production(found.x)
    expected[rows] = found.x
    np.testing.assert_allclose(state, expected, rtol=1e-4, atol=1e-6)
    shifts = answer.layers["shift"][1:].sum(0)
    np.testing.assert_allclose(answer.layers["additive"][0], answer.var["control"] + shifts, atol=1e-5)


def test_a_copy_leaves_the_original(screen):
    before = screen.copy()
    copied = sc_c.tl.predict_clamps(screen, copy=True)
    assert "clamp_predicted" in copied.layers
    assert list(screen.layers) == list(before.layers)


def test_a_view_becomes_data_of_its_own(screen):
    view = screen[:50]
    sc_c.tl.predict_clamps(view)
    assert view.layers["clamp_predicted"].shape == (50, 60)
    assert "clamp_predicted" not in screen.layers


@pytest.mark.parametrize("clamps", [None, ["REG01"]])
def test_a_device_that_is_not_here_is_named(screen, clamps):
    before = {*screen.layers}
    with pytest.raises(
        InputError, match=r"device='nonsense' cannot be used: .* Pass device='cpu', or one that is here"
    ):
        sc_c.tl.predict_clamps(screen, clamps, device="nonsense")
    assert {*screen.layers} == before


def test_a_fit_is_needed_and_of_these_genes(screen):
    with pytest.raises(InputError, match=r"key='clamp' is no fit of adata\. It holds no fit"):
        sc_c.tl.predict_clamps(sc_c.datasets.simulated("tiny"), ["REG01"])
    with pytest.raises(InputError, match=r"key='other' is no fit of adata\. Fits found: 'clamp'"):
        sc_c.tl.predict_clamps(screen, ["REG01"], key="other")
    with pytest.raises(InputError, match="The fit 'clamp' is of 60 genes, adata has 59 of them"):
        sc_c.tl.predict_clamps(screen[:, 1:].copy(), ["REG01"])
    damaged = screen.copy()
    damaged.varm["clamp_A"][0, 0] += 1
    with pytest.raises(StorageError, match="A changed"):
        sc_c.tl.predict_clamps(damaged, ["REG01"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"clamps": "REG01", "clamp_values": "single"}, "clamp_values='single' is not known. Did you mean 'singles'"),
        ({"clamps": "REG01", "copy": True}, "copy=True is about the cells"),
        ({"layers": ("shift",)}, r"layers=\('shift',\) is about new conditions"),
        ({"out": "a.h5ad"}, "out='a.h5ad' is about new conditions"),
        ({"clamps": "REG01", "chunk_size": 0}, "chunk_size=0 must be a whole number"),
        ({"clamps": "REG01", "chunk_size": True}, "chunk_size=True must be a whole number"),
        ({"clamps": "REG01", "mod": "rna"}, "mod='rna' was given, but the data is an AnnData"),
    ],
)
def test_arguments_that_do_not_go_together(screen, arguments, message):
    with pytest.raises(InputError, match=message):
        sc_c.tl.predict_clamps(screen, **arguments)


def test_mudata_and_files_of_it_give_the_same(screen, tmp_path):
    mudata = pytest.importorskip("mudata")
    data = mudata.MuData({"rna": screen.copy()})
    expected = sc_c.tl.predict_clamps(screen, ["REG01+REG02"]).layers["predicted"]
    sc_c.write(data, tmp_path / "a.h5mu")
    for each in (data, sc_c.read(tmp_path / "a.h5mu")):
        found = sc_c.tl.predict_clamps(each, ["REG01+REG02"], mod="rna")
        np.testing.assert_array_equal(found.layers["predicted"], expected)
        assert sc_c.tl.predict_clamps(each, mod="rna") is None
        assert each["rna"].layers["clamp_predicted"].shape == screen.shape


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_nothing_changes_when_the_fit_went_through_a_file(screen, suffix, tmp_path):
    before = sc_c.tl.predict_clamps(screen, ["REG01+REG02", "control"])
    sc_c.write(screen, tmp_path / f"a.{suffix}")
    after = sc_c.tl.predict_clamps(sc_c.read(tmp_path / f"a.{suffix}"), ["REG01+REG02", "control"])
    np.testing.assert_array_equal(before.layers["predicted"], after.layers["predicted"])
    assert before.uns["clamp_prediction"] == after.uns["clamp_prediction"]


def test_the_random_state_of_others_is_left_alone(screen, untouched_rng):
    sc_c.tl.predict_clamps(screen, ["REG01+REG02"])


ALL_TRIPLES = """
    import itertools, resource, runpy, sys
    import scclamp as sc_c

    screen = sc_c.datasets.simulated("norman_like", n_cells_per_condition=2, n_control_cells=10, combinations=3)
    runpy.run_path(sys.argv[1])["store_truth"](screen)
    triples = itertools.combinations(screen.uns["clamp"]["regulators"], 3)
    answer = sc_c.tl.predict_clamps(screen, triples, layers=("predicted",))
    assert answer.shape == (171_700, 2553)
    assert (answer.obs["status"] == "converged").all()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


@pytest.mark.stress
def test_all_triples_of_a_hundred_regulators_take_less_than_four_gigabytes():
    # The answer alone is 1.6 GiB.
    script = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(ALL_TRIPLES), str(STORED_FITS)]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 3.5, f"the whole process peaked at {done.stdout} GiB"
