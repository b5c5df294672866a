"""`tl.transmission` against equations 7 and 8, computed once more from the cells with numpy."""

import json
from types import MappingProxyType

import anndata as ad
import numpy as np
import pytest
import torch

import scclamp as sc_c
from scclamp._errors import InputError, InputWarning
from scclamp.encoders import as_encoder

SHORT = {"n_cells": 6, "n_seeds": 3, "n_bootstrap": 50, "rng": 0}


@pytest.fixture(scope="module")
def screen():
    return sc_c.datasets.simulated("tiny")


@pytest.fixture
def adata(screen):
    return screen.copy()


@pytest.fixture
def matrix(screen):
    return torch.as_tensor(np.random.default_rng(0).normal(size=(screen.n_vars, 7)))


def geometry(adata):
    """Control cells, shifts of the singles, and the bases alpha and gamma, by numpy alone."""
    X, labels = adata.X.toarray().astype(float), adata.obs["perturbation"].astype(str)
    control = X[labels == "control"]
    singles = sorted(name for name in set(labels) if "+" not in name and name != "control")
    S = np.stack([X[labels == name].mean(0) for name in singles]) - control.mean(0)
    alpha = np.linalg.svd(control - control.mean(0), full_matrices=False)[2][: min(len(control) - 1, X.shape[1])]
    gamma = np.linalg.svd(S, full_matrices=False)[2]
    # Steps go where the perturbations go on the whole.
    gamma = np.stack([v if S.sum(0) @ v >= 0 else -v for v in gamma])
    return singles, control, S, {"alpha": alpha, "gamma": gamma}


def test_any_linear_encoder_preserves_what_its_norms_say(adata, matrix):
    names, _, S, bases = geometry(adata)
    lens = as_encoder(lambda x: x @ matrix.to(x), name="linear", affine=True)
    free = as_encoder(lambda x: x @ matrix.to(x), name="unaware")
    found = sc_c.tl.transmission(adata, [lens, free], **SHORT).set_index(["encoder", "basis"])
    for basis, V in bases.items():
        w, t = ((S @ V.T) ** 2).sum(0), np.linalg.norm(V @ matrix.numpy(), axis=1)
        for name in ("linear", "unaware"):
            row = found.loc[name, basis]
            assert row["preserved"] == pytest.approx((w * t**2).sum() / w.sum(), rel=1e-6)
            assert row["infinitesimal"] == pytest.approx(row["preserved"], rel=1e-6)
            assert row["direct"] == pytest.approx(((S @ matrix.numpy()) ** 2).sum() / (S**2).sum(), rel=1e-6)
            assert row["coverage"] == pytest.approx(w.sum() / (S**2).sum(), rel=1e-6)
            assert row["sd"] < 1e-6 * row["preserved"]
            assert row["low"] < row["preserved"] < row["high"]
        each = adata.uns["transmission"]["components"].query("encoder == 'linear' and basis == @basis")
        np.testing.assert_allclose(each["weight"], w / w.sum(), rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(each["t"], t, rtol=1e-6)
        np.testing.assert_allclose(each["captured"], np.cumsum(w * t**2) / w.sum(), rtol=1e-6)
        alone = adata.uns["transmission"]["regulators"].query("encoder == 'linear' and basis == @basis")
        assert alone["regulator"].tolist() == names
        W = (S @ V.T) ** 2
        np.testing.assert_allclose(alone["preserved"], (W * t**2).sum(1) / W.sum(1), rtol=1e-6)
        direct = ((S @ matrix.numpy()) ** 2).sum(1) / (S**2).sum(1)
        np.testing.assert_allclose(alone["direct"], direct, rtol=1e-6)


def test_identity_is_one_pca_is_a_step_and_scale_is_squared(adata):
    _, _, _, bases = geometry(adata)
    components = bases["alpha"][:10].T
    pca = sc_c.encoders.PCA(components, adata.X.toarray()[adata.obs["perturbation"] == "control"].mean(0))
    triple = as_encoder(lambda x: 3 * x, name="triple")
    found = sc_c.tl.transmission(adata, {"ten": pca, "triple": triple}, **SHORT).set_index(["encoder", "basis"])
    np.testing.assert_allclose(found.loc["identity", "preserved"], 1, rtol=1e-12)
    np.testing.assert_allclose(found.loc["triple", "preserved"], 9, rtol=1e-12)
    alpha = adata.uns["transmission"]["components"].query("encoder == 'ten' and basis == 'alpha'")
    np.testing.assert_allclose(alpha["t"][:10], 1, rtol=1e-9)
    np.testing.assert_allclose(alpha["t"][10:], 0, atol=1e-9)


def test_only_directions_of_shifts_tell_who_is_blind_to_shifts(adata):
    """What the docs say of alpha: it drops what components do together."""
    *_, bases = geometry(adata)
    Q = torch.as_tensor(bases["gamma"].T)
    lenses = {
        "blind": as_encoder(lambda x: x - x @ Q.to(x) @ Q.to(x).mT, name="blind", affine=True),
        "sees": as_encoder(lambda x: x @ Q.to(x), name="sees", affine=True),
        "pca": "pca",
    }
    found = sc_c.tl.transmission(adata, lenses, **SHORT).set_index(["encoder", "basis"])
    assert found.loc[("blind", "alpha"), "preserved"] > 0.5 > found.loc[("sees", "alpha"), "preserved"]
    np.testing.assert_allclose(found.loc[("blind", "gamma"), ["preserved", "direct"]].astype(float), 0, atol=1e-12)
    np.testing.assert_allclose(found.loc[("sees", "gamma"), ["preserved", "direct"]].astype(float), 1, rtol=1e-9)
    # Diagonal in the components of control cells, a PCA loses no cross terms.
    components = adata.uns["transmission"]["components"].query("encoder == 'pca' and basis == 'alpha'")
    covered = found.loc[("pca", "alpha"), "coverage"]
    assert (components["weight"] * components["t"] ** 2).sum() * covered == pytest.approx(
        found.loc[("pca", "alpha"), "direct"], rel=1e-6
    )


def test_noise_comes_through_and_is_no_sight(adata):
    """An encoder that keeps all but the shifts preserves noise; one that keeps them alone preserves little of it."""
    *_, bases = geometry(adata)
    Q = torch.as_tensor(bases["gamma"].T)
    lenses = {
        "blind": as_encoder(lambda x: x - x @ Q.to(x) @ Q.to(x).mT, name="blind", affine=True),
        "nearly": as_encoder(lambda x: x - 0.99 * x @ Q.to(x) @ Q.to(x).mT, name="nearly"),
        "sees": as_encoder(lambda x: x @ Q.to(x), name="sees", affine=True),
    }
    found = sc_c.tl.transmission(adata, lenses, **SHORT).set_index(["encoder", "basis"])
    for basis in ("alpha", "gamma"):
        assert found.loc[("identity", basis), "null"] == pytest.approx(1, rel=1e-9)
    null = found["null"].xs("gamma", level="basis")
    assert null["blind"] > 0.5 > null["sees"]
    assert null["blind"] + null["sees"] == pytest.approx(1, rel=1e-6), "the two parts of every shift"
    relative = found["relative"].xs("gamma", level="basis")
    assert relative["sees"] == pytest.approx(1, rel=1e-9)
    assert relative["blind"] < 1e-9
    assert relative["nearly"] < 1e-3, "it answers to all shifts alike, and to noise a hundred times as much"


def test_relative_forgets_the_scale(adata, matrix):
    lenses = {f"{k}": as_encoder(lambda x, k=k: k * torch.tanh(x @ matrix.to(x) / 9), name=f"{k}") for k in (1, 7)}
    lenses["nothing"] = as_encoder(lambda x: 0 * x, name="nothing")
    with pytest.warns(InputWarning, match="encoder='nothing' fails 2 checks"):
        found = sc_c.tl.transmission(adata, lenses, basis="gamma", **SHORT).set_index("encoder")
    columns = ["relative", "relative_low", "relative_high"]
    np.testing.assert_allclose(found.loc["1", columns].astype(float), found.loc["7", columns].astype(float), rtol=1e-6)
    assert found.loc["7", "preserved"] == pytest.approx(49 * found.loc["1", "preserved"], rel=1e-6)
    assert found.loc["7", "null"] == pytest.approx(49 * found.loc["1", "null"], rel=1e-6)
    assert 0 < found.loc["1", "relative_low"] < found.loc["1", "relative"] < 1
    assert found.loc["nothing", ["preserved", "null"]].tolist() == [0, 0]
    assert found.loc["nothing", columns].isna().all()


def test_a_curved_encoder_is_asked_at_the_drawn_control_cells(adata, matrix):
    _, control, S, bases = geometry(adata)
    n = len(control)

    def encode(x):
        return torch.tanh(x @ matrix.to(x) / 5)

    # With every control cell in every draw there is nothing random left.
    settings = SHORT | {"n_cells": n, "n_seeds": 2}
    row = sc_c.tl.transmission(adata, as_encoder(encode, name="curved"), basis="gamma", **settings).iloc[1]
    c = np.median(np.linalg.norm(S, axis=1))
    x = torch.as_tensor(control)
    t = [
        np.linalg.norm((encode(x + c * torch.as_tensor(v)) - encode(x)).numpy(), axis=1).mean() / c
        for v in bases["gamma"]
    ]
    w = ((S @ bases["gamma"].T) ** 2).sum(0)
    assert row["preserved"] == pytest.approx((w * np.square(t)).sum() / w.sum(), rel=1e-6)
    assert np.isnan(row["sd"])
    assert row["low"] < row["preserved"] < row["high"]
    assert np.isnan(adata.uns["transmission"]["components"]["sd"]).all()
    assert row["infinitesimal"] != pytest.approx(row["preserved"], rel=1e-3)
    fewer = sc_c.tl.transmission(adata, as_encoder(encode, name="curved"), basis="gamma", **SHORT).iloc[1]
    assert fewer["sd"] > 0
    assert fewer["preserved"] == pytest.approx(row["preserved"], abs=6 * fewer["sd"])
    assert json.loads(adata.uns["transmission"]["params"])["scale"] == pytest.approx(c)


def test_tables_tell_one_story(adata):
    """With few cells in each draw, so that the mean of squares is not the square of the mean."""
    found = sc_c.tl.transmission(adata, {"exp": torch.expm1}, **(SHORT | {"n_cells": 2})).set_index(
        ["encoder", "basis"]
    )
    tables = adata.uns["transmission"]
    for (name, basis), row in found.iterrows():
        parts = (tables[t].set_index(["encoder", "basis"]) for t in ("components", "regulators"))
        components, each = (part.loc[[(name, basis)]] for part in parts)
        assert components["captured"].iloc[-1] == pytest.approx(row["preserved"], rel=1e-9)
        if basis == "gamma":
            energy = each["shift"] ** 2
            assert (energy * each["preserved"]).sum() / energy.sum() == pytest.approx(row["preserved"], rel=1e-9)


def test_one_perturbation_has_no_interval(adata):
    one = adata[adata.obs["perturbation"].isin(["control", "REG01"])].copy()
    found = sc_c.tl.transmission(one, {"exp": torch.expm1}, basis="gamma", **SHORT)
    assert found[["low", "high", "relative_low", "relative_high"]].isna().all(axis=None)
    assert found["preserved"].notna().all()
    assert found["sd"].iloc[1] > 0


def test_only_its_own_field_changes_and_survives_a_file(adata, tmp_path, untouched_rng):
    before = set(adata.uns)
    with untouched_rng():
        found = sc_c.tl.transmission(adata, "pca", key_added="seen", **SHORT)
        again = sc_c.tl.transmission(adata.copy(), "pca", **SHORT)
    assert set(adata.uns) == before | {"seen"}
    np.testing.assert_array_equal(found.to_numpy()[:, 2:].astype(float), again.to_numpy()[:, 2:].astype(float))
    sc_c.write(adata, tmp_path / "a.h5ad")
    back = sc_c.read(tmp_path / "a.h5ad").uns["seen"]
    for name in ("summary", "components", "regulators"):
        assert back[name].reset_index(drop=True).equals(adata.uns["seen"][name].reset_index(drop=True))


def test_means_have_directions_of_shifts_only(adata):
    names, control, S, _ = geometry(adata)
    means = ad.AnnData(np.vstack([control.mean(0), control.mean(0) + S]), var=adata.var[[]])
    means.obs["perturbation"] = ["control", *names]
    with pytest.raises(InputError, match=r"basis='alpha'.*basis='gamma'"):
        sc_c.tl.transmission(means, "identity", **SHORT)
    found = sc_c.tl.transmission(means, lambda x: x / 2, basis="gamma", **SHORT)
    np.testing.assert_allclose(found["preserved"], [1, 0.25], rtol=1e-9)
    assert found["null"].isna().all()
    np.testing.assert_allclose(found["relative"], [1, 1], rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"basis": "beta"}, "basis='beta'"),
        ({"n_cells": 0}, "n_cells=0"),
        ({"encoder": "scGTP"}, "encoder='scGTP'"),
        ({"encoder": [torch.tanh, torch.tanh]}, "two have one name"),
        ({"encoder": {1: "pca"}}, "no name"),
    ],
)
def test_what_cannot_be_measured_is_named(adata, change, message):
    with pytest.raises(InputError, match=message):
        sc_c.tl.transmission(adata, **({"encoder": "pca"} | SHORT | change))
    assert "transmission" not in adata.uns


def test_numbers_that_are_none_are_named(adata):
    with (
        pytest.warns(InputWarning, match=r"finite \(0\.\d+\)"),
        pytest.raises(InputError, match="NaN or infinity"),
    ):
        sc_c.tl.transmission(adata, lambda x: torch.log(x - 1), **SHORT)


def test_a_screen_that_moves_nothing_is_named(adata):
    adata.X = np.repeat(adata.X[0].toarray(), adata.n_obs, axis=0)
    with pytest.raises(InputError, match="no regulatory signal"):
        sc_c.tl.transmission(adata, "identity", **SHORT)


def test_intervals_do_not_shrink_when_the_same_cells_are_drawn_again():
    adata = sc_c.datasets.simulated("tiny", n_control_cells=20)
    widths = {}
    for n_seeds in (2, 20):
        found = sc_c.tl.transmission(
            adata, {"exp": torch.expm1}, basis="gamma", n_seeds=n_seeds, infinitesimal=False, n_bootstrap=2000, rng=0
        ).set_index("encoder")
        widths[n_seeds] = found.loc["exp", "high"] - found.loc["exp", "low"]
    assert widths[20] == pytest.approx(widths[2], rel=0.15)


def test_directions_of_shifts_do_not_depend_on_the_order_of_names():
    adata = sc_c.datasets.simulated("tiny")
    labels = adata.obs["perturbation"].astype(str)
    adata = adata[~labels.str.contains("+", regex=False).to_numpy()].copy()
    found = []
    for names in ("ABCDEFGH", "HDBFACGE", "CGAHEBDF"):
        renamed = dict(zip([f"REG0{k}" for k in range(1, 9)], names, strict=True))
        again = adata.copy()
        again.var_names = [renamed.get(gene, gene) for gene in again.var_names]
        again.obs["perturbation"] = [renamed.get(label, label) for label in again.obs["perturbation"].astype(str)]
        table = sc_c.tl.transmission(
            again,
            {"relu": torch.relu},
            basis="gamma",
            n_cells=10**6,
            n_seeds=1,
            infinitesimal=False,
            n_bootstrap=2,
            rng=0,
        )
        found.append(table.set_index("encoder").loc["relu", "preserved"])
    assert found == pytest.approx([found[0]] * 3, rel=1e-6)


def test_the_identity_is_the_identity(adata):
    for given in ({"identity": torch.nn.Linear(60, 2)}, as_encoder(lambda x: 2 * x, name="identity")):
        with pytest.raises(InputError, match="'identity' is what every other is measured against"):
            sc_c.tl.transmission(adata, given, **SHORT)
    found = sc_c.tl.transmission(adata, MappingProxyType({"mine": "identity"}), basis="gamma", **SHORT)
    assert list(found["encoder"]) == ["identity", "mine"]


@pytest.mark.parametrize("key", ["truth", "", "a/b", None])
def test_no_other_result_is_written_over(adata, key):
    before = {name: id(value) for name, value in adata.uns.items()}
    with pytest.raises(InputError, match=f"key_added={key!r}"):
        sc_c.tl.transmission(adata, "identity", key_added=key, **SHORT)
    with pytest.raises(InputError, match=f"key_added={key!r}"):
        sc_c.tl.probe_grn(adata, reconstruct=torch.nn.Softmax(-1), key_added=key)
    assert {name: id(value) for name, value in adata.uns.items()} == before


def test_a_result_is_written_anew_but_no_result_of_another_kind(adata):
    for _ in range(2):
        sc_c.tl.transmission(adata, "identity", basis="gamma", **SHORT)
    with pytest.raises(InputError, match=r"key_added='transmission': .*than a result of tl\.probe_grn"):
        sc_c.tl.probe_grn(adata, reconstruct=torch.nn.Softmax(-1), key_added="transmission")
    for _ in range(2):
        sc_c.tl.probe_grn(adata, reconstruct=torch.nn.Softmax(-1), sources="REG01")


def test_an_affine_lens_that_drops_the_axis_of_one_state_is_no_figure(adata):
    # As many numbers as there are perturbations, so that shapes fit by chance.
    W = torch.as_tensor(np.random.default_rng(0).normal(size=(60, 8)))
    lens = as_encoder(lambda x: (x @ W).squeeze(), name="squeezed", affine=True)
    with pytest.raises(InputError, match=r"returned \(8,\) for 1 state"):
        sc_c.tl.transmission(adata, lens, basis="gamma", **SHORT)


def test_infinite_slopes_are_named_once(adata):
    with pytest.warns(InputWarning) as caught:
        found = sc_c.tl.transmission(adata, {"root": lambda x: x.clamp(min=0).sqrt()}, **SHORT)
    assert ["encoder='root': 'infinitesimal' is NaN" in str(each.message) for each in caught] == [True]
    assert np.isfinite(found["preserved"]).all()
    assert not np.isfinite(found.set_index("encoder").loc["root", "infinitesimal"]).any()


def test_a_cell_that_draws_share_is_encoded_once(adata):
    seen = []

    def encode(x):
        seen.append(x.detach())
        return x.tanh()

    control = adata[adata.obs["perturbation"] == "control"].to_df().to_numpy(np.float64)
    options = {"basis": "gamma", "infinitesimal": False, "n_bootstrap": 5, "n_cells": 10**6, "rng": 0}
    sc_c.tl.transmission(adata, {"seen": encode}, n_seeds=4, **options)
    states = torch.cat(seen).numpy()
    assert (states == control[7]).all(1).sum() <= 3, "once for each set of directions: shifts, basis, noise"
    found = [sc_c.tl.transmission(adata, {"seen": encode}, n_seeds=n, **options)["preserved"][1] for n in (1, 4)]
    assert found[0] == pytest.approx(found[1], rel=1e-12)
