"""The simulated screen: contents, statistics of its cells, determinism, storage."""

from __future__ import annotations

import json

import anndata as ad
import numpy as np
import pytest
from scipy import sparse, stats

from scclamp._errors import InputError, ScclampError
from scclamp.datasets import simulated

# anndata 0.13 touches options that pandas 3.1 deprecates.
pytestmark = pytest.mark.filterwarnings(r"ignore:.*(infer_string|chained_assignment)")


@pytest.fixture(scope="module")
def tiny():
    return simulated("tiny")


def condition_means(adata):
    names = adata.uns["truth"]["conditions"]
    return np.stack(
        [np.asarray(adata.X[(adata.obs["perturbation"] == name).to_numpy()].mean(axis=0)).ravel() for name in names]
    )


def test_fields(tiny):
    truth, n_conditions = tiny.uns["truth"], 1 + 8 + 6
    assert sparse.issparse(tiny.X)
    assert tiny.X.format == tiny.layers["counts"].format == "csr"
    assert (tiny.X.dtype, tiny.layers["counts"].dtype) == (np.float32, np.int32)
    assert tiny.varm["true_A"].shape == (60, 8)
    assert tiny.varm["true_states"].shape == (60, n_conditions)
    assert truth["clamp_mask"].shape == (n_conditions, 8)
    assert truth["conditions"][0] == "control"
    assert list(truth["conditions"][1:]) == sorted(truth["conditions"][1:])
    assert list(tiny.obs["perturbation"].cat.categories) == list(truth["conditions"])
    assert (tiny.var_names[tiny.var["true_regulator"]] == truth["regulators"]).all()
    assert json.loads(truth["params"])["dose"] == 1.5
    counts = tiny.obs["perturbation"].value_counts()
    assert counts["control"] == 60
    assert (counts.drop("control") == 20).all()


def test_labels_agree_with_the_clamps(tiny):
    truth = tiny.uns["truth"]
    for name, mask in zip(truth["conditions"][1:], truth["clamp_mask"][1:], strict=True):
        assert "+".join(truth["regulators"][mask]) == name
    expected = tiny.obs["perturbation"].astype(str).map(lambda s: 0 if s == "control" else 1 + s.count("+"))
    assert (tiny.obs["n_genes_perturbed"] == expected).all()


def test_cells_are_shuffled(tiny):
    codes = tiny.obs["perturbation"].cat.codes.to_numpy()
    assert np.count_nonzero(np.diff(codes)) > len(codes) / 2


def test_x_is_the_log_normalised_counts(tiny):
    scaled = tiny.layers["counts"].toarray() * (1e4 / tiny.obs["n_counts"].to_numpy()[:, None])
    np.testing.assert_allclose(tiny.X.toarray(), np.log1p(scaled), rtol=1e-6)
    assert not np.shares_memory(tiny.X.indices, tiny.layers["counts"].indices)


def test_condition_means_estimate_the_states():
    """In the mean over cells, X is the true state less the bias that the docstring states, within sampling error."""
    adata = simulated(
        "tiny", n_cells_per_condition=400, n_control_cells=400, dropout=0.0, dispersion=0.02, library_size=3e4
    )
    states = adata.varm["true_states"].T
    m = np.expm1(states)
    # The mean of 1 / library size of a log-normal exceeds 1 / mean by exp(spread^2).
    bias = -(m * 1e4 / 3e4 * np.exp(0.09) + 0.02 * m**2) / (2 * (1 + m) ** 2)
    error = condition_means(adata) - states - bias
    assert np.sqrt(np.mean(error**2)) < 0.025
    assert abs(error.mean()) < 0.01
    assert np.sqrt(np.mean(bias**2)) > 0.03  # the statement above is not vacuous


@pytest.mark.parametrize("mode", ["CRISPRa", "CRISPRi"])
def test_clamped_genes_are_held(mode):
    adata = simulated("tiny", mode=mode)
    truth, states = adata.uns["truth"], adata.varm["true_states"]
    held = states[adata.var_names.get_indexer(truth["regulators"])].T
    mask = truth["clamp_mask"]
    np.testing.assert_array_equal(held[mask], np.broadcast_to(truth["clamp_values"], mask.shape)[mask])
    above = truth["clamp_values"] > held[0]
    assert above.all() if mode == "CRISPRa" else not above.any()


def test_unmeasured_regulators_act_but_are_absent():
    whole, part = simulated("tiny"), simulated("tiny", n_unmeasured=2)
    assert part.n_vars == whole.n_vars - 2
    assert len(part.uns["truth"]["regulators"]) == 8
    missing = set(part.uns["truth"]["regulators"]) - set(part.var_names)
    assert len(missing) == 2
    assert missing < set(part.obs["perturbation"].cat.categories)
    np.testing.assert_array_equal(part.varm["true_A"], whole[:, part.var_names].varm["true_A"])
    np.testing.assert_array_equal(part.varm["true_states"], whole[:, part.var_names].varm["true_states"])


def test_same_seed_same_bits(untouched_rng):
    one, two = simulated("tiny", rng=7), simulated("tiny", rng=np.random.default_rng(7))
    assert (one.X != two.X).nnz == 0
    assert one.obs.equals(two.obs)
    assert one.uns["truth"]["params"] == two.uns["truth"]["params"]
    np.testing.assert_array_equal(one.varm["true_A"], two.varm["true_A"])
    assert (one.X != simulated("tiny", rng=8).X).nnz > 0


def test_noise_does_not_change_the_truth(tiny):
    noisy = simulated("tiny", library_size=5e3, dispersion=0.5, dropout=0.3, n_cells_per_condition=5)
    np.testing.assert_array_equal(noisy.varm["true_states"], tiny.varm["true_states"])
    assert noisy.X.nnz / np.prod(noisy.shape) < tiny.X.nnz / np.prod(tiny.shape)


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_round_trip(tiny, tmp_path, suffix):
    path = tmp_path / f"screen.{suffix}"
    getattr(tiny, f"write_{suffix}")(path)
    back = getattr(ad, f"read_{suffix}")(path)
    assert (back.X != tiny.X).nnz == 0
    assert back.layers["counts"].dtype == np.int32
    assert (back.layers["counts"] != tiny.layers["counts"]).nnz == 0
    np.testing.assert_array_equal(back.varm["true_A"], tiny.varm["true_A"])
    assert back.obs.equals(tiny.obs)
    before, after = tiny.uns["truth"], back.uns["truth"]
    assert before.keys() == after.keys()
    for key, value in before.items():
        if isinstance(value, dict):
            assert {k: after[key][k] for k in value} == value
        else:
            np.testing.assert_array_equal(after[key], value)


def test_combinations():
    labels = ["REG02+REG01", "REG03+REG05+REG01"]
    adata = simulated("tiny", combinations=labels)
    assert {"REG01+REG02", "REG01+REG03+REG05"} < set(adata.uns["truth"]["conditions"])
    assert simulated("tiny", combinations="all", n_cells_per_condition=1).n_obs == 60 + 8 + 28
    assert simulated("tiny", combinations=0).uns["truth"]["clamp_mask"].sum(axis=1).max() == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "tinny"}, "Did you mean 'tiny'"),
        ({"n_regulators": 61}, "n_regulators=61"),
        ({"n_regulators": 0}, "n_regulators=0"),
        ({"n_unmeasured": 9}, "n_unmeasured=9"),
        ({"n_genes": 8, "n_unmeasured": 8, "combinations": 0}, "n_unmeasured=8"),
        ({"feedback": 1.0}, "feedback=1.0"),
        ({"dispersion": -0.1}, "dispersion=-0.1"),
        ({"dropout": float("nan")}, "dropout=nan"),
        ({"mode": "knockout"}, "mode='knockout'"),
        ({"mode": "CRISPRi", "dose": 1.5}, "dose=1.5"),
        ({"dose": 0.0}, "dose=0.0"),
        ({"combinations": 29}, "28 doubles"),
        ({"combinations": "some"}, "combinations='some'"),
        ({"combinations": ["REG01+REG1"]}, "REG1"),
        ({"combinations": ["REG01"]}, "two or more"),
        ({"combinations": ["REG01+REG01"]}, "two or more"),
        ({"combinations": ["REG01+REG02", "REG02+REG01"]}, "twice"),
        ({"combinations": True}, "combinations=True"),
        ({"n_genes": 60.5}, "n_genes=60.5"),
        ({"target_sum": 20.0}, "Raise target_sum"),
    ],
)
def test_errors_name_the_argument(arguments, message):
    with pytest.raises(InputError, match=message):
        simulated(**({"preset": "tiny"} | arguments))


def test_errors_share_a_base():
    assert issubclass(InputError, ScclampError)


@pytest.mark.parametrize(("n_genes", "n_regulators"), [(1, 1), (2, 2), (8, 8), (30, 1)])
def test_extreme_sizes(n_genes, n_regulators):
    adata = simulated("tiny", n_genes=n_genes, n_regulators=n_regulators, combinations=0)
    assert adata.shape == (60 + 20 * n_regulators, n_genes)
    assert np.isfinite(adata.varm["true_states"]).all()


def test_library_sizes_are_log_normal():
    adata = simulated("tiny", n_control_cells=3000, library_size=3e4, library_spread=0.4)
    library = adata.obs["n_counts"].to_numpy()
    assert library.mean() == pytest.approx(3e4, rel=0.03)
    assert stats.kstest((np.log(library) - np.log(3e4) + 0.08) / 0.4, "norm").pvalue > 1e-3


@pytest.mark.stress
def test_norman_like():
    adata = simulated("norman_like")
    truth, states = adata.uns["truth"], adata.varm["true_states"].T
    assert adata.shape == (2000 + 100 * (102 + 129), 2553)
    assert truth["clamp_mask"].sum(axis=1).tolist().count(2) == 129
    assert truth["contraction"] <= 0.8
    assert states.min() > 0
    rows = adata.var_names.get_indexer(truth["regulators"])
    x = states[:, rows]
    image = adata.var["true_b"].to_numpy() + x**2 / (1 + x**2) @ adata.varm["true_A"].T
    image[:, rows] = np.where(truth["clamp_mask"], truth["clamp_values"], image[:, rows])
    np.testing.assert_allclose(states, image, atol=1e-10)
    error = condition_means(adata) - states
    assert abs(error.mean()) < 0.15
    shift, seen = states[1:] - states[0], condition_means(adata)[1:] - condition_means(adata)[0]
    assert (seen * shift).sum() / (shift * shift).sum() == pytest.approx(1, abs=0.05)
