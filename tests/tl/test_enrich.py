import dataclasses
import json
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import anndata as ad
import mudata
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, hypergeom, linregress

import scclamp as sc_c
from scclamp._errors import InputError, InputWarning
from scclamp._storage import decode, encode

fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))
N_TOP = 12


@pytest.fixture
def screen():
    return fits["simulated_fit"](n_members=3, spread=0.4, params={"unmeasured": "error"})


@pytest.fixture
def sets(screen):
    rng = np.random.default_rng(0)
    names = screen.var_names.to_numpy(object)
    return {f"set {i}": list(rng.choice(names, size, replace=False)) for i, size in enumerate((2, 5, 9, 20, 40))}


@pytest.fixture
def network(screen):
    """The true edges of four regulators, some with the sign turned or unknown, in a table as datasets returns them."""
    truth = screen.varm["true_A"]
    edges = [
        (f"REG{j + 1:02d}", gene, int(np.sign(truth[i, j])))
        for j in range(4)
        for i, gene in enumerate(screen.var_names)
        if truth[i, j]
    ]
    found = pd.DataFrame(edges, columns=["source", "target", "weight"])
    found.loc[::5, "weight"] *= -1
    found.loc[::7, "weight"] = 0
    found.attrs = {"name": "known", "digest": "d1"}
    return found


def enriched(screen, gene_sets, **options):
    sc_c.tl.enrich(screen, gene_sets, n_top=N_TOP, **options)
    return screen.uns["clamp_enrichment"]


def strongest(screen, regulator):
    """Targets by absolute weight, straight from the matrix."""
    j = list(screen.uns["clamp"]["regulators"]).index(regulator)
    weight = pd.Series(screen.varm["clamp_A"][:, j], index=screen.var_names).drop(regulator)
    weight = weight[weight != 0]
    return weight.reindex(weight.abs().sort_values(ascending=False).index)[:N_TOP]


def test_every_row_follows_from_the_matrix(screen, sets):
    found = enriched(screen, sets)
    testable = {name: set(genes) for name, genes in sets.items() if len(genes) >= 5}
    assert len(found) == 8 * len(testable)
    for row in found.itertuples():
        top = strongest(screen, row.regulator)
        both = [gene for gene in top.index if gene in testable[row.term]]
        assert (row.library, row.overlap, row.genes) == ("gene_sets", len(both), ",".join(both))
        assert (row.n_top, row.set_size, row.panel) == (len(top), len(testable[row.term]), screen.n_vars)
        p = hypergeom.sf(row.overlap - 1, row.panel, row.set_size, row.n_top)
        np.testing.assert_allclose([row.p, row.p_adjusted], [p, min(1, 4 * p)], rtol=1e-9)
        expected = row.n_top * row.set_size / row.panel
        np.testing.assert_allclose(row.fold, row.overlap / expected, rtol=1e-12)


def test_rows_are_ordered(screen, sets):
    found = enriched(screen, {"b": sets, "a": sets}, regulators=["REG03", "REG01"])
    assert list(dict.fromkeys(zip(found["regulator"], found["library"], strict=True))) == [
        ("REG03", "b"),
        ("REG03", "a"),
        ("REG01", "b"),
        ("REG01", "a"),
    ]
    assert found.groupby(["regulator", "library"])["p"].apply(lambda p: p.is_monotonic_increasing).all()


def test_a_regulator_is_never_its_own_target(screen):
    fit = decode(screen)
    weights = fit.A.copy()
    weights[screen.var_names.get_loc("REG01"), 0] = 100
    encode(screen, dataclasses.replace(fit, A=weights))
    found = enriched(screen, {"itself": ["REG01", "REG02", "REG03", "REG04", "REG05"]}, regulators="REG01")
    assert "REG01" not in found["genes"].iloc[0].split(",")
    assert found["set_size"].item() == 5


def test_weights_of_zero_are_no_targets(screen):
    counts = (screen.varm["clamp_A"] != 0).sum(0)
    assert counts.min() < N_TOP
    found = enriched(screen, {"all": list(screen.var_names)}).set_index("regulator")["n_top"]
    for j, name in enumerate(screen.uns["clamp"]["regulators"]):
        own = screen.varm["clamp_A"][screen.var_names.get_loc(name), j] != 0
        assert found[name] == min(N_TOP, counts[j] - own)


def test_known_edges(screen, network):
    found = enriched(screen, network).set_index("regulator")
    assert list(found.index) == ["REG01", "REG02", "REG03", "REG04"]
    for name, row in found.iterrows():
        mine = network[network["source"] == name].set_index("target")["weight"]
        top = strongest(screen, name)
        both = [gene for gene in top.index if gene in mine.index]
        signed = [gene for gene in both if mine[gene] != 0]
        agree = sum(np.sign(top[gene]) == mine[gene] for gene in signed)
        assert (row["term"], row["overlap"], row["set_size"]) == (name, len(both), len(mine))
        assert (row["n_signs"], row["sign_agreement"]) == (len(signed), agree / len(signed))
        chance = np.mean([np.mean(np.sign(top) == mine[gene]) for gene in signed])
        np.testing.assert_allclose(row["sign_chance"], chance)
        p = binomtest(agree, len(signed), alternative="greater").pvalue
        np.testing.assert_allclose(row["p_sign"], p)
        assert row["p_adjusted"] == row["p"]
    assert found["sign_agreement"].between(0.01, 0.99).any()


def test_sets_have_no_signs(screen, sets, network):
    found = enriched(screen, [sets, network])
    is_set = found["library"] == "gene_sets"
    assert found.loc[is_set, ["n_signs", "sign_agreement", "p_sign"]].isna().to_numpy().all()
    assert found.loc[~is_set, ["n_signs", "p_sign"]].notna().to_numpy().all()
    assert "n_signs" not in enriched(screen, sets)


@pytest.mark.parametrize(("dose", "effect", "turn"), [(3.0, "gain", 1), (3.0, "loss", -1), (0.5, "loss", 1)])
def test_effect_turns_signs_with_the_response(screen, network, dose, effect, turn):
    as_is = enriched(screen, network).set_index("regulator")
    fit = decode(screen)
    doses = fit.conditions | {"clamp_values": dose * np.eye(9, 8, k=-1)}
    control = np.full_like(fit.control_mean, 1.5)
    encode(screen, dataclasses.replace(fit, conditions=doses, control_mean=control))
    turned = enriched(screen, network, effect=effect).set_index("regulator")
    agree = as_is["sign_agreement"]
    np.testing.assert_allclose(turned["sign_agreement"], agree if turn == 1 else 1 - agree)
    pd.testing.assert_series_equal(turned["p"], as_is["p"])


def test_latent_regulators_have_signs_only_when_the_effect_is_known():
    screen = latent_fit()
    edges = [("LAT", gene, 1) for gene in screen.var_names[:6]]
    known = pd.DataFrame(edges, columns=["source", "target", "weight"])
    for effect, agreement in ((None, np.nan), ("gain", 1 / 3), ("loss", 2 / 3)):
        sc_c.tl.enrich(screen, known, n_top=3, effect=effect)
        row = screen.uns["clamp_enrichment"].iloc[0]
        assert row["overlap"] == 3
        assert row["n_signs"] == (0 if effect is None else 3)
        np.testing.assert_allclose(row["sign_agreement"], agreement)


def latent_fit():
    """One regulator outside a panel of ten genes: one target falls short of two that are repressed."""
    screen = ad.AnnData(np.zeros((2, 10), np.float32), var=pd.DataFrame(index=[f"G{i}" for i in range(10)]))
    weights = np.zeros((1, 10, 1), np.float32)
    weights[0, :3, 0] = [1.0, -2.0, -3.0]
    arrays = {"A": weights, "b": np.zeros((1, 10), np.float32)}
    arrays |= {f"activation.log_{name}": np.zeros(1, np.float32) for name in ("n", "K")}
    arrays["log_gamma"] = np.zeros(1, np.float32)
    config = sc_c.fitting.FitConfig(kinetics="hill")
    fits["store"](screen, arrays, ("LAT",), [-1], {"LAT": 1.0}, config, {})
    return screen


@pytest.mark.parametrize("backend", ["decoupler", "stand-in"])
def test_ulm_is_the_t_of_a_regression(screen, sets, network, backend, monkeypatch):
    if backend == "stand-in":
        monkeypatch.setitem(sys.modules, "decoupler", SimpleNamespace(mt=SimpleNamespace(ulm=regression)))
    else:
        pytest.importorskip("decoupler")
    found = enriched(screen, [sets, network], ulm=True)
    regulators = list(screen.uns["clamp"]["regulators"])
    assert found["ulm"].notna().sum() >= 30
    for row in found[found["ulm"].notna()].itertuples():
        y = screen.varm["clamp_A"][:, regulators.index(row.regulator)].astype(float)
        at = screen.var_names.get_loc(row.regulator)
        y[at] = np.delete(y, at).mean()
        mine = network[network["source"] == row.term].set_index("target")["weight"]
        x = np.array([mine.get(g, 0) if row.library == "known" else g in sets[row.term] for g in screen.var_names])
        line = linregress(x.astype(float), y)
        np.testing.assert_allclose(row.ulm, line.slope / line.stderr, rtol=1e-5)
        np.testing.assert_allclose(row.p_ulm, line.pvalue, rtol=1e-4)
        factor = 1 if row.library == "known" else 4
        np.testing.assert_allclose(row.p_ulm_adjusted, min(1, factor * row.p_ulm), rtol=1e-12)


def regression(data, net, *, tmin, empty):
    """What decoupler's ulm computes, with its face; columns in another order."""
    assert not empty
    assert net.groupby("source").size().min() >= tmin
    assert not net.duplicated(["source", "target"]).any()
    x = net.pivot_table(index="target", columns="source", values="weight").reindex(data.columns).fillna(0)
    x = x[x.columns[::-1]]
    lines = [[linregress(x[s], row) for s in x] for _, row in data.iterrows()]
    t = [[line.slope / line.stderr for line in row] for row in lines]
    return pd.DataFrame(t, index=data.index, columns=x.columns), None


def test_without_decoupler_the_remedy_is_named(screen, sets, monkeypatch):
    monkeypatch.setitem(sys.modules, "decoupler", None)
    with pytest.raises(InputError, match=r"ulm=True needs decoupler\. Install scclamp\[decoupler\]"):
        enriched(screen, sets, ulm=True)


def test_what_is_written_survives_a_file(screen, sets, network, tmp_path):
    enriched(screen, {"mine": sets, "known": network}, effect="gain")
    screen.write_h5ad(tmp_path / "fit.h5ad")
    again = ad.read_h5ad(tmp_path / "fit.h5ad")
    table, stored = (each.uns["clamp_enrichment"].reset_index(drop=True) for each in (screen, again))
    pd.testing.assert_frame_equal(stored, table, check_dtype=False, check_index_type=False, check_column_type=False)
    params = json.loads(again.uns["clamp_enrichment_params"])
    assert (params["n_top"], params["min_size"], params["effect"]) == (N_TOP, 5, "gain")
    assert params["libraries"] == {"mine": {"sets": 4, "digest": ""}, "known": {"sets": 4, "digest": "d1"}}
    assert len(params["fit_sha256"]) == 64


def test_two_libraries_stand_side_by_side(screen, sets):
    one = enriched(screen, sets).copy()
    sc_c.tl.enrich(screen, {"other": sets}, n_top=N_TOP, key_added="second")
    pd.testing.assert_frame_equal(screen.uns["clamp_enrichment"], one)
    assert set(screen.uns["second"]["library"]) == {"other"}
    assert json.loads(screen.uns["second_params"])["key"] == "clamp"
    sc_c.tl.enrich(screen, sets, n_top=N_TOP, key_added="second")
    assert set(screen.uns["second"]["library"]) == {"gene_sets"}
    screen.uns["mine_params"] = {"a": 1}
    for name in ("clamp", "mine", "a/b", ""):
        with pytest.raises(InputError, match="key_added="):
            sc_c.tl.enrich(screen, sets, n_top=N_TOP, key_added=name)
    assert screen.uns["mine_params"] == {"a": 1}


def test_copy_leaves_the_original(screen, sets):
    found = sc_c.tl.enrich(screen, sets, copy=True)
    assert "clamp_enrichment" in found.uns
    assert "clamp_enrichment" not in screen.uns


def test_modality(screen, sets):
    expected = enriched(screen, sets).copy()
    del screen.uns["clamp_enrichment"]
    data = mudata.MuData({"rna": screen})
    sc_c.tl.enrich(data, sets, n_top=N_TOP, mod="rna")
    pd.testing.assert_frame_equal(data["rna"].uns["clamp_enrichment"], expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_top": 0}, "n_top=0 must be a whole number"),
        ({"n_top": 60}, "n_top=60 must be below the 60 genes"),
        ({"min_size": 0}, "min_size=0 must be a whole number"),
        ({"effect": "knockout"}, "effect='knockout' is not known"),
        ({"regulators": "REG1"}, "Did you mean 'REG01'"),
        ({"key": "other"}, "other"),
        ({"gene_sets": {"a": ["x"]}}, "no set of gene_sets has 5 genes"),
        (
            {"gene_sets": pd.DataFrame({"source": ["F"], "target": ["REG01"], "weight": [1]})},
            "gene_sets has no measured targets of 'REG01'",
        ),
    ],
)
def test_errors_leave_the_data_as_it_is(screen, sets, options, message):
    before = set(screen.uns)
    with pytest.raises(InputError, match=message):
        sc_c.tl.enrich(screen, **({"gene_sets": sets} | options))
    assert set(screen.uns) == before


def test_master_regulators_of_a_real_screen_hit_their_own_lineage(shared_data):
    path = shared_data / "norman2019_pseudobulk" / "norman2019_pseudobulk.h5ad"
    if not path.exists():
        pytest.skip(f"{path.name} is absent")
    adata = ad.read_h5ad(path)
    adata = adata[~adata.obs["perturbation"].astype(str).str.contains("+", regex=False)].copy()
    with pytest.warns(InputWarning, match="No condition has cells to validate on"):
        sc_c.tl.fit(adata, unmeasured="latent", max_epochs=20, rng=0)
    matched = {
        "KLF1": "ERYTHROID_LINEAGE",
        "SPI1": "MYELOID_MONOCYTE_LINEAGE",
        "IRF1": "INTERFERON_RESPONSE",
    }
    sc_c.tl.enrich(adata, "lineage_signatures", regulators=list(matched))
    found = adata.uns["clamp_enrichment"]
    for regulator, term in matched.items():
        rows = found[found["regulator"] == regulator].set_index("term")["p_adjusted"]
        assert rows[term] < 1e-4
        assert rows.drop(term).min() > 1e-3
