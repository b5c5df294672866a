"""`tl.fit` as users call it: what it takes, what it writes, and what it leaves alone."""

import warnings

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch

import scclamp as sc_c
from scclamp._errors import InputError, InputWarning, StorageError
from scclamp._storage import decode
from scclamp.fitting.load import load_dynamics
from scclamp.physics import Network, Newton, steady_state

SHORT = {"max_epochs": 6, "rng": 0}


@pytest.fixture(scope="module")
def screen():
    return sc_c.datasets.simulated("tiny")


@pytest.fixture
def adata(screen):
    return screen.copy()


def _flat(value, name=""):
    """Every leaf of an AnnData as bytes, to compare two of them."""
    if isinstance(value, ad.AnnData):
        parts = {"X": value.X, "obs": value.obs, "var": value.var}
        parts |= {f: dict(getattr(value, f)) for f in ("uns", "layers", "obsm", "varm", "obsp", "varp")}
        return _flat(parts)
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in _flat(item, f"{name}/{key}").items()}
    if isinstance(value, pd.DataFrame):
        return _flat({c: value[c].to_numpy() for c in value} | {"index": value.index.to_numpy()}, name)
    if sp.issparse(value):
        return {name: tuple(getattr(value, f).tobytes() for f in ("data", "indices", "indptr"))}
    array = np.asarray(value)
    return {name: (array.dtype.kind, array.shape, repr(array.tolist()))}


def _digests(adata, key="clamp"):
    return decode(adata, key).digests


WRITTEN = ("/varm/clamp_A", "/var/clamp_b", "/var/clamp_regulator", "/uns/clamp/")


def test_only_the_documented_keys_change(adata, untouched_rng):
    before = _flat(adata)
    with untouched_rng():
        assert sc_c.tl.fit(adata, **SHORT) is None
    after = _flat(adata)
    assert {k: v for k, v in after.items() if not k.startswith(WRITTEN)} == before
    assert adata.varm["clamp_A"].shape == (60, 8)
    assert adata.varm["clamp_A"].dtype == np.float32


def test_same_seed_same_bits_and_another_seed_another_split(adata, screen):
    others = [screen.copy() for _ in range(3)]
    sc_c.tl.fit(adata, **SHORT)
    for other, rng in zip(others, (0, np.random.default_rng(0), 1), strict=True):
        sc_c.tl.fit(other, **SHORT | {"rng": rng})
    assert _digests(adata) == _digests(others[0]) == _digests(others[1])
    assert _digests(adata)["A"] != _digests(others[2])["A"]


@pytest.mark.parametrize("kind", ["dense", "csc", "layer", "view", "backed"])
def test_storage_of_the_expression_does_not_matter(adata, screen, tmp_path, kind):
    reference = screen.copy()
    sc_c.tl.fit(reference, **SHORT)
    options = {}
    if kind == "dense":
        adata.X = adata.X.toarray()
    elif kind == "csc":
        adata.X = sp.csc_matrix(adata.X)
    elif kind == "layer":
        adata.layers["log"], options = adata.X.copy(), {"layer": "log"}
        adata.X = adata.layers["counts"]
    elif kind == "view":
        adata = adata[:, :]
    else:
        adata.write_h5ad(tmp_path / "a.h5ad")
        adata = ad.read_h5ad(tmp_path / "a.h5ad", backed="r")
    sc_c.tl.fit(adata, **SHORT, **options)
    np.testing.assert_allclose(adata.varm["clamp_A"], reference.varm["clamp_A"], atol=1e-4)
    if adata.isbacked:
        adata.file.close()


def test_counts_are_refused_with_the_way_out(adata):
    before = _flat(adata)
    with pytest.raises(InputError, match="layer"):
        sc_c.tl.fit(adata, layer="counts", **SHORT)
    assert _flat(adata) == before


@pytest.mark.parametrize("cells", [True, False])
def test_levels_of_validation_are_what_a_user_would_compute(adata, cells):
    role = np.where(np.arange(adata.n_obs) % 4 == 0, "val" if cells else "train", "train")
    adata.obs["split"] = role
    with warnings.catch_warnings():
        warnings.simplefilter("default" if cells else "ignore")
        sc_c.tl.fit(adata, split_key="split", denoise=0.0, dtype="float64", **SHORT)
    X, label = adata.X.toarray().astype(float), adata.obs["perturbation"].astype(str).to_numpy()
    found = decode(adata).diagnostics
    names = [str(name) for name in found["condition"]]
    train, val = (
        np.array([X[(label == n) & (role == r)].mean(0) for n in names]) for r in ("train", "val" if cells else "train")
    )
    shift, seen = train[1:] - train[0], val[1:] - val[0]
    assert found["validation_no_change"] == pytest.approx((seen**2).sum(1).mean(), rel=1e-5)
    assert found["validation_targets"] == pytest.approx(((seen - shift) ** 2).sum(1).mean(), rel=1e-5)


def test_reported_validation_belongs_to_the_stored_network(adata):
    """Recomputed from the fields alone: split, means, states and loss."""
    adata.obs["split"] = np.where(np.arange(adata.n_obs) % 4 == 0, "val", "train")
    sc_c.tl.fit(
        adata, split_key="split", start="random", init_scale=0.01, max_epochs=25, learning_rate=0.05, dtype="float64"
    )
    result = decode(adata)
    d = result.diagnostics
    assert d["best_validation"] == pytest.approx(result.history["validation"].min(), rel=1e-12)
    assert result.history["epoch"][result.history["validation"].argmin()] == d["best_epoch"][0]
    assert (d["status"] == 0).all()
    names = list(d["condition"])
    X, label = adata.X.toarray().astype(float), adata.obs["perturbation"].astype(str).to_numpy()
    train, val = (
        np.array([X[(label == n) & (adata.obs["split"] == role)].mean(0) for n in names]) for role in ("train", "val")
    )
    R = len(result.regulators)
    mask, values = np.zeros((len(names), R), bool), np.zeros((len(names), R))
    for j, regulator in enumerate(result.regulators):
        c = names.index(regulator)
        mask[c, j], values[c, j] = True, train[c, result.regulator_rows[j]]
    dynamics = load_dynamics(result)
    solution = steady_state(dynamics, torch.as_tensor(mask), torch.as_tensor(values), solver=Newton(tol=1e-12))
    shift = (solution.value[0, 1:] - solution.value[0, 0]).numpy()
    loss = ((shift - (val[1:] - val[0])) ** 2).sum(1).mean()
    assert loss == pytest.approx(d["best_validation"][0], rel=1e-4)
    np.testing.assert_allclose(d["spectral_radius"], solution.spectral_radius.numpy(), atol=1e-3)
    np.testing.assert_allclose(result.control_mean, train[0], rtol=1e-6)


@pytest.mark.parametrize("suffix", ["h5ad", "zarr", "h5mu"])
def test_a_fit_survives_a_file_bit_for_bit(adata, tmp_path, suffix):
    sc_c.tl.fit(adata, n_seeds=2, **SHORT)
    path = tmp_path / f"a.{suffix}"
    if suffix == "h5ad":
        adata.write_h5ad(path)
        back = ad.read_h5ad(path)
    elif suffix == "zarr":
        adata.write_zarr(path)
        back = ad.read_zarr(path)
    else:
        mudata = pytest.importorskip("mudata")
        mudata.MuData({"rna": adata}).write(path)
        back = mudata.read_h5mu(path)["rna"]
    assert _digests(back) == _digests(adata)


def test_mudata(adata, screen):
    mudata = pytest.importorskip("mudata")
    other = ad.AnnData(np.ones((adata.n_obs, 1)), obs=pd.DataFrame(index=adata.obs_names))
    both = mudata.MuData({"rna": adata, "other": other})
    sc_c.tl.fit(both, mod="rna", **SHORT)
    reference = screen.copy()
    sc_c.tl.fit(reference, **SHORT)
    np.testing.assert_array_equal(both["rna"].varm["clamp_A"], reference.varm["clamp_A"])
    assert "clamp" not in both["other"].uns


def test_pseudobulk_says_that_nothing_validates(screen):
    labels = screen.obs["perturbation"].astype(str)
    names = sorted(set(labels))
    X = np.array([screen.X.toarray()[(labels == n).to_numpy()].mean(0) for n in names])
    bulk = ad.AnnData(X, obs=pd.DataFrame({"perturbation": names}, index=names), var=screen.var[[]])
    with pytest.warns(InputWarning, match="No condition has cells to validate on"):
        sc_c.tl.fit(bulk, **SHORT)
    history = decode(bulk).history
    np.testing.assert_array_equal(history["validation"], history["perturbation"])
    with pytest.raises(InputError, match="encoder='pca'"), pytest.warns(InputWarning):
        sc_c.tl.fit(bulk, encoder="pca", **SHORT)


def test_odd_labels_and_one_odd_control_token(adata, screen):
    labels = adata.obs.pop("perturbation").astype(str)
    adata.obs["guide"] = labels.replace({"control": "WT_mock"})
    sc_c.tl.fit(adata, perturbation_key="guide", control="WT_mock", **SHORT)
    reference = screen.copy()
    sc_c.tl.fit(reference, **SHORT)
    np.testing.assert_array_equal(adata.varm["clamp_A"], reference.varm["clamp_A"])
    params = decode(adata).params
    assert (params["perturbation_key"], params["control"]) == ("guide", "WT_mock")


def test_unmeasured_targets(screen):
    without = screen[:, screen.var_names != "REG03"].copy()
    before = _flat(without)
    with pytest.raises(InputError, match="unmeasured='latent'"):
        sc_c.tl.fit(without, **SHORT)
    assert _flat(without) == before
    latent = without.copy()
    sc_c.tl.fit(latent, unmeasured="latent", **SHORT)
    result = decode(latent)
    assert result.regulator_rows[result.regulators.index("REG03")] == -1
    assert np.abs(latent.varm["clamp_A"][:, result.regulators.index("REG03")]).max() > 0
    assert latent.var["clamp_regulator"].sum() == 7
    with pytest.warns(InputWarning, match="unmeasured='drop'"):
        sc_c.tl.fit(without, unmeasured="drop", **SHORT)
    assert "REG03" not in decode(without).regulators
    assert (decode(latent).params["left_out"], decode(without).params["left_out"]) == ([], ["REG03"])
    with pytest.raises(InputError, match="'REG03' was perturbed in the screen, but the panel does not measure it"):
        sc_c.tl.predict_clamps(without, ["REG01+REG03"])


@pytest.fixture(scope="module")
def knockouts():
    """Noise-free means of a chain REG0 -> REG1 -> REG2 -> targets whose proteins are lost and whose transcripts stay."""
    rng = np.random.default_rng(0)
    network = Network(24, torch.arange(4)).double()
    A = np.where(rng.random((24, 4)) < 0.5, rng.normal(0, 0.8, (24, 4)), 0.0)
    A[:4] = 0
    A[1, 0], A[2, 1], A[3, 0] = 1.2, 1.0, -0.6
    with torch.no_grad():
        network.A.copy_(torch.as_tensor(A))
        network.b.copy_(torch.as_tensor(np.r_[np.ones(4), np.full(20, 2.0)]))
    sets = [(), (0,), (1,), (2,), (3,), (1, 3)]
    mask = torch.tensor([[r in s for r in range(4)] for s in sets])
    means = steady_state(network, mask, torch.zeros(len(sets), 4).double()).value.detach().numpy()
    control = means[0].copy()
    for row, held in enumerate(sets):
        means[row, list(held)] = 0.9 * control[list(held)]
    names = ["+".join(f"REG{r}" for r in s) or "control" for s in sets]
    var = pd.DataFrame(index=[f"REG{r}" for r in range(4)] + [f"T{i:02}" for i in range(20)])
    return ad.AnnData(means, obs=pd.DataFrame({"perturbation": names}, index=names), var=var), A


@pytest.mark.filterwarnings("ignore:No condition has cells to validate:scclamp.errors.InputWarning")
def test_a_transcript_that_stays_is_no_dose(knockouts):
    screen, truth = knockouts
    pairs = ["REG1+REG3"]
    free = np.array([[g not in pair.split("+") for g in screen.var_names] for pair in pairs])
    error = {}
    for clamp_values in ("singles", "knockout"):
        fitted = sc_c.tl.fit(screen, clamp_values=clamp_values, denoise=0.0, max_epochs=300, rng=0, copy=True)
        predicted = sc_c.tl.predict_clamps(fitted, pairs, combination="steady_state")[pairs]
        error[clamp_values] = np.abs(predicted.layers["predicted"] - screen[pairs].X)[free].max()
    assert error["knockout"] < 1e-3 < 0.1 < error["singles"]
    assert (predicted.layers["predicted"][~free] == 0).all()
    # Among the regulators only REG0 -> REG2 is invented: the singles cannot tell it from the chain's half-activations.
    absent = (truth[:4, 1:] == 0) & ~np.eye(4, dtype=bool)[:, 1:]
    assert np.abs(fitted.varm["clamp_A"][:4, 1:][absent]).max() < 0.01
    assert decode(fitted).params["clamp_values"] == "knockout"
    with pytest.raises(InputError, match="clamp_values='observed' reads doses off transcripts"):
        sc_c.tl.predict_clamps(fitted, ["REG1+REG3"], clamp_values="observed")


def test_copy_and_key_added(adata):
    before = _flat(adata)
    fitted = sc_c.tl.fit(adata, copy=True, key_added="mine", **SHORT)
    assert _flat(adata) == before
    assert "mine_A" in fitted.varm
    assert "clamp" not in fitted.uns
    sc_c.tl.fit(fitted, **SHORT)
    assert {"mine", "clamp"} <= set(fitted.uns)
    assert _digests(fitted) == _digests(fitted, "mine")


def test_a_refit_replaces_everything_of_the_old(adata, screen):
    sc_c.tl.fit(adata, n_seeds=2, **SHORT)
    sc_c.tl.predict_clamps(adata)
    assert {"clamp_A_sd"} <= set(adata.varm.keys())
    with pytest.warns(InputWarning, match=r"What was derived from it is removed: layers\['clamp_predicted'\]\."):
        sc_c.tl.fit(adata, **SHORT)
    assert "clamp_predicted" not in adata.layers, "states of the fit before"
    fresh = screen.copy()
    sc_c.tl.fit(fresh, **SHORT)
    assert _flat(adata) == _flat(fresh)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_seeds": 0}, "n_seeds=0"),
        ({"n_seeds": True}, "n_seeds=True"),
        ({"checkpoint_every": 0}, "checkpoint_every=0"),
        ({"learnin_rate": 1.0}, "Did you mean 'learning_rate'"),
        ({"encoder": "pcaa"}, "Did you mean 'pca'"),
        ({"encoder": lambda x: x.detach()}, "stops gradients"),
        ({"split_key": "nowhere"}, "nowhere"),
        ({"perturbation_key": "perturbatoin"}, "perturbation"),
        ({"control": "nothing"}, "nothing"),
        ({"layer": "nowhere"}, "nowhere"),
        ({"key_added": "a/b"}, "key_added='a/b'"),
        ({"key_added": ""}, "key_added=''"),
        ({"device": "nonsense"}, "device='nonsense'"),
        ({"unmeasured": "laten"}, "unmeasured='laten'"),
    ],
    ids=lambda v: " ".join(f"{k}={x}"[:24] for k, x in v.items()) if isinstance(v, dict) else "",
)
def test_wrong_arguments_are_named_and_nothing_is_written(adata, options, message):
    before = _flat(adata)
    with pytest.raises(InputError, match=message):
        sc_c.tl.fit(adata, **SHORT | options)
    assert _flat(adata) == before


@pytest.mark.parametrize("n_seeds", [2, 3])
def test_resampled_ensembles_report_their_first_member_and_what_the_others_deviate(adata, n_seeds):
    sc_c.tl.fit(adata, n_seeds=n_seeds, kinetics="generalized_hill", **SHORT)
    result = decode(adata)
    assert (result.params["bootstrap"], result.params["point"]) == (True, "first")
    A, b, K = result.members["A"], result.members["b"], np.exp(result.members["activation.log_K"])
    np.testing.assert_array_equal(adata.varm["clamp_A"], A[0])
    np.testing.assert_array_equal(adata.var["clamp_b"], b[0])
    np.testing.assert_allclose(result.kinetics["K"], K[0], rtol=1e-6)

    def deviation(members):
        return np.sqrt(((members[1:] - members[0]) ** 2).mean(0))

    np.testing.assert_allclose(adata.varm["clamp_A_sd"], deviation(A), atol=1e-6)
    assert np.median(adata.varm["clamp_A_sd"]) > 1e-3
    table = sc_c.get.kinetics(adata).set_index(["name", "regulator"])
    at = [("K", regulator) for regulator in result.regulators]
    np.testing.assert_allclose(table.loc[at, "value"], K[0], rtol=1e-6)
    np.testing.assert_allclose(table.loc[at, "sd"], deviation(K), rtol=1e-3, atol=1e-6)
    assert len(result.history) == n_seeds * 6


def test_members_of_the_same_cells_report_their_mean(adata):
    sc_c.tl.fit(adata, n_seeds=3, bootstrap=False, **SHORT)
    result = decode(adata)
    assert result.params["point"] == "mean"
    np.testing.assert_allclose(adata.varm["clamp_A"], result.members["A"].mean(0), atol=1e-6)
    np.testing.assert_allclose(adata.var["clamp_b"], result.members["b"].mean(0), atol=1e-6)
    np.testing.assert_allclose(adata.varm["clamp_A_sd"], result.members["A"].std(0, ddof=1), atol=1e-6)


def test_more_members_leave_the_estimate_where_it_was(adata):
    """Without noise at the start nothing but the resamples is drawn, which the first member does not see."""
    pairs = ["control", "REG01", "REG01+REG02", {"REG03": 2.0, "REG04": 0.5}]
    options = {"max_epochs": 30, "rng": 0, "init_scale": 0.0}
    sc_c.tl.fit(adata, key_added="one", **options)
    sc_c.tl.fit(adata, n_seeds=3, key_added="three", **options)
    np.testing.assert_allclose(adata.varm["three_A"], adata.varm["one_A"], atol=2e-3)
    assert np.abs(decode(adata, "three").members["A"].mean(0) - adata.varm["one_A"]).max() > 0.05, "resamples differ"
    np.testing.assert_array_equal(decode(adata, "three").control_mean, decode(adata, "one").control_mean)
    one, three = (sc_c.tl.predict_clamps(adata, pairs, key=key) for key in ("one", "three"))
    for layer in ("predicted", "shift", "additive"):
        np.testing.assert_allclose(three.layers[layer], one.layers[layer], atol=2e-3)
    np.testing.assert_allclose(three.var["control"], one.var["control"], atol=2e-3)
    for key in ("one", "three"):
        sc_c.tl.predict_clamps(adata, key=key)
    np.testing.assert_allclose(adata.layers["three_predicted"], adata.layers["one_predicted"], atol=2e-3)


def test_encoders(adata):
    for name, encoder in {"pca": "pca", "net": torch.nn.Sequential(torch.nn.Linear(60, 9), torch.nn.Tanh())}.items():
        sc_c.tl.fit(adata, encoder=encoder, key_added=name, **SHORT)
    pca, net = decode(adata, "pca"), decode(adata, "net")
    for result in (pca, net):
        assert result.history["loss"].iloc[-1] < result.history["loss"].iloc[0]
    assert pca.digests["A"] != net.digests["A"], "each network answers to its own lens"
    assert [pca.params["encoder"], net.params["encoder"]] == ["pca", "Sequential"]
    assert net.params["encoder_sha256"] == sc_c.encoders.as_encoder(encoder).fingerprint()


def _lens(x):
    """The identity by another name: what differs is its fingerprint alone."""
    return x + 0


def test_a_checkpoint_is_resumed_and_another_refused(adata, screen, tmp_path):
    sc_c.tl.fit(adata, checkpoint=tmp_path / "c", checkpoint_every=2, max_epochs=4, rng=0)
    sc_c.tl.fit(adata, checkpoint=tmp_path / "c", max_epochs=9, rng=0)
    whole = screen.copy()
    sc_c.tl.fit(whole, max_epochs=9, rng=0)
    assert _digests(adata) == _digests(whole)
    before = _flat(adata)
    for change, what in (({"rng": 1}, "the data"), ({"rng": 0, "encoder": _lens}, "the encoder")):
        with pytest.raises(StorageError, match=f"another fit: {what}.* differs"):
            sc_c.tl.fit(adata, checkpoint=tmp_path / "c", max_epochs=9, **change)
    assert _flat(adata) == before


def test_several_seeds_resample_unless_told_otherwise(adata):
    sc_c.tl.fit(adata, n_seeds=2, key_added="resampled", **SHORT)
    sc_c.tl.fit(adata, n_seeds=2, bootstrap=False, key_added="shared", **SHORT)
    assert decode(adata, "resampled").params["bootstrap"] is True
    assert adata.varm["resampled_A_sd"].mean() > 10 * adata.varm["shared_A_sd"].mean()


def test_conditions_with_few_cells_are_named(adata):
    labels = adata.obs["perturbation"].astype(str)
    few = (labels.groupby(labels, observed=True).cumcount() < 3) | ~labels.isin(["REG02", "REG05"])
    with pytest.warns(InputWarning, match=r"2 of 8 conditions have fewer than 10 cells \('REG02', 'REG05'\)"):
        sc_c.tl.fit(adata[few.to_numpy()].copy(), **SHORT)
    control = (labels.groupby(labels, observed=True).cumcount() < 4) | (labels != "control")
    with pytest.warns(InputWarning, match="The control has only 4 cells"):
        sc_c.tl.fit(adata[control.to_numpy()].copy(), **SHORT)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"config": {"max_epochs": 5}}, "is no FitConfig.*scclamp.fitting.FitConfig"),
        ({"rng": "a"}, "rng='a' is no seed"),
        ({"rng": -1}, "rng=-1 is no seed"),
        ({"device": "gpu"}, "write 'cuda'"),
        ({"pertubation_key": "x"}, "Did you mean 'perturbation_key'"),
        ({"learning_rat": 1.0}, "Did you mean 'learning_rate'"),
    ],
)
def test_what_is_no_argument_is_said_so(adata, arguments, message):
    with pytest.raises(InputError, match=message):
        sc_c.tl.fit(adata, **arguments)


def test_messages_are_there_for_who_asks(adata, caplog):
    with sc_c.settings.override(verbosity="info"), caplog.at_level("INFO", logger="scclamp"):
        sc_c.tl.fit(adata, **SHORT)
    assert "8 single-gene conditions and the control" in caplog.text
    assert "obs['perturbation'], control recognised" in caplog.text
    assert "8 regulators" in caplog.text
    found = decode(adata).diagnostics
    kept, loss = found["best_epoch"][0], found["best_validation"][0]
    assert f"6 epochs; kept epoch {kept}" in caplog.text
    assert f"validation {loss:.4g}, largest spectral radius {found['spectral_radius'].max():.2f}" in caplog.text
    assert ("(0 is the start)" in caplog.text) == (kept == 0)
