"""Labels of published screens, and of files written in their layouts, against what their authors say they mean."""

from __future__ import annotations

import json
import logging

import anndata as ad
import mudata
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scclamp import Conditions
from scclamp._errors import InputError, InputWarning
from scclamp.pp import perturbations, recipe
from scclamp.tl import fit

GENES = ["AHR", "CBARP", "CEBPA", "JAK2", "KIAA1804", "KLF1", "STAT2"]


def screen(labels, key="condition", genes=GENES, **columns):
    obs = pd.DataFrame({key: labels, **columns}, index=[f"c{i}" for i in range(len(labels))])
    return ad.AnnData(np.ones((len(labels), len(genes)), np.float32), obs=obs, var=pd.DataFrame(index=genes))


def canonical(adata, column="perturbation"):
    return list(adata.obs[column].astype(object).where(adata.obs[column].notna(), None))


DIALECTS = {
    "gears": ("condition", ["ctrl", "AHR+ctrl ", "ctrl+KLF1", "KLF1+AHR", "KIAA1804+CBARP"]),
    "gears names": ("condition_name", ["K_1_ctrl_1", "K_1_AHR+ctrl_1+1", "K_1_ctrl+KLF1_1+1", "K_1_KLF1+AHR_1+1",
                                       "K_1_CBARP+KIAA1804_1+1"]),
    "pertpy": ("perturbation_name", ["control", "AHR", "KLF1", "KLF1+AHR", "KIAA1804+CBARP"]),
    "scperturb": ("perturbation", ["control", "AHR", "KLF1", "AHR_KLF1", "MAP3K21_C19orf26"]),
    "cpa": ("cov_drug_dose_name", ["A_ctrl_1.0", "A_AHR+ctrl_1.0+1.0", "A_KLF1+ctrl_1.0+1.0", "A_KLF1+AHR_1.0+1.0",
                                   "A_CBARP+KIAA1804_1.0+1.0"]),
    "perturbench": ("condition", ["control", "AHR", "KLF1", "AHR+KLF1", "C19orf26+KIAA1804"]),
    "state": ("target_gene", ["non-targeting", "AHR", "KLF1", "AHR,KLF1", "CBARP;MAP3K21"]),
    "norman": ("guide_identity", ["NegCtrl0_NegCtrl0__NegCtrl0_NegCtrl0", "AHR_NegCtrl0__AHR_NegCtrl0",
                                  "NegCtrl10_KLF1__NegCtrl10_KLF1", "AHR_KLF1__AHR_KLF1",
                                  "C19orf26_KIAA1804__C19orf26_KIAA1804"]),
    "replogle": ("sgID_AB", ["non-targeting_00001|non-targeting_00023", "AHR_-_17338164.23-P1P2|AHR_+_1.23-P1",
                             "KLF1_+_12997.23-P1P2|KLF1_-_9.23-ENST00000264834.5,ENST00000400",
                             "AHR_-_17338164.23-P1P2|KLF1_-_9.23-all", "C19orf26_+_1238161.23-P1P2|KIAA1804_-_2.2-P1"]),
    "eccite": ("grna", ["NTg1", "AHRg2", "KLF1g4", "AHRg1+KLF1g3", "CBARPg1_MAP3K21g2"]),
    "plasmids": ("guide", ["NegCtrl3_pBA581", "AHR_pDS255", "KLF1_pBA580", "AHR_pDS255|KLF1_pBA580",
                           "CBARP_pDS1|MAP3K21_pDS2"]),
    "sg": ("sgRNA", ["sgNT-1", "sgAHR-1", "sgKLF1_2", "sgAHR_1;sgKLF1_1", "sgCBARP-2+sgKIAA1804-1"]),
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialects(dialect):
    key, labels = DIALECTS[dialect]
    adata = screen(labels, key)
    perturbations(adata, key=key)
    expected = ["control", "AHR", "KLF1", "AHR+KLF1", "CBARP+KIAA1804"]
    assert canonical(adata) == expected
    assert list(adata.obs["perturbation"].cat.categories) == ["control", *sorted(expected[1:])]
    assert list(adata.obs["n_perturbations"]) == [0, 1, 1, 2, 2]
    report = adata.uns["perturbations"]["report"].set_index("label")
    assert list(report.loc[labels, "perturbation"]) == expected
    assert report["n_cells"].sum() == 5
    # Recognised without a name too, and what is written is recognised by everybody.
    again = screen(labels, key)
    perturbations(again, aliases={"unused": "AHR"})
    assert canonical(again) == expected
    assert Conditions.from_anndata(again, unmeasured="latent").names == tuple(adata.obs["perturbation"].cat.categories)


def test_sets_of_any_size():
    adata = screen(["ctrl", "KLF1+AHR+CEBPA", "STAT2_JAK2_KLF1_AHR", "AHR+AHR"])
    perturbations(adata)
    assert canonical(adata) == ["control", "AHR+CEBPA+KLF1", "AHR+JAK2+KLF1+STAT2", "AHR"]
    assert list(adata.obs["n_perturbations"]) == [0, 3, 4, 1]


def test_what_is_left_out_is_counted_and_reported():
    labels = ["ctrl", None, "", "doublet", "*", "doublet", "AHR"]
    adata = screen(labels)
    with pytest.warns(InputWarning, match=r"obs\['condition'\]: 5 observations without a known perturbation"):
        perturbations(adata)
    assert canonical(adata) == ["control", None, None, None, None, None, "AHR"]
    report = adata.uns["perturbations"]["report"]
    dropped = report[report["status"] == "dropped"].set_index("label")
    assert dropped.loc["doublet", "n_cells"] == 2
    assert dropped["n_cells"].sum() == 5
    assert adata.obs["n_perturbations"].isna().sum() == 5


@pytest.mark.parametrize("label", ["AHR_FOO", "Negative", "AHR+"])
def test_ambiguous_labels(label):
    adata = screen(["ctrl", "AHR", label])
    before = adata.copy()
    with pytest.raises(InputError, match=rf"obs\['condition'\] has the label {label.replace('+', '.')!r}.*aliases="):
        perturbations(adata)
    assert adata.obs.equals(before.obs)
    assert not adata.uns
    with pytest.warns(InputWarning, match="1 observation without"):
        perturbations(adata, ambiguous="drop")
    assert canonical(adata) == ["control", "AHR", None]
    assert list(adata.uns["perturbations"]["report"]["status"].sort_values()) == ["ambiguous", "mapped", "mapped"]


def test_aliases_explain_labels_and_genes():
    adata = screen(["DMSO", "arm 1", "junk", "p53", "AHR+p53", "KLF1_v2"], genes=[*GENES, "TP53"])
    meaning = {"DMSO": "control", "arm 1": "KLF1+AHR", "junk": None, "p53": "TP53", "KLF1_v2": "KLF1"}
    with pytest.warns(InputWarning, match="'junk'"):
        perturbations(adata, key="condition", aliases=meaning)
    assert canonical(adata) == ["control", "AHR+KLF1", None, "TP53", "AHR+TP53", "KLF1"]
    with pytest.raises(InputError, match="is no renaming"):
        perturbations(adata, aliases={"a": 3})


def test_aliases_do_not_lead_out_of_the_panel():
    adata = screen(["ctrl", "AHR", "bHLHe76"])
    perturbations(adata, aliases={"AHR": "bHLHe76"})
    assert canonical(adata) == ["control", "AHR", "AHR"]


def test_both_spellings_of_an_unmeasured_gene_become_one():
    adata = screen(["ctrl", "MARS", "MARS1", "AHR", "C7orf26"])
    perturbations(adata)
    assert canonical(adata) == ["control", "MARS1", "MARS1", "AHR", "C7orf26"]


def test_a_control_that_has_to_be_named():
    adata = screen(["DMSO", "AHR", "AHR+DMSO", "KLF1"])
    perturbations(adata, control="DMSO")
    assert canonical(adata) == ["control", "AHR", "AHR", "KLF1"]
    with pytest.raises(InputError, match=r"control='DMS' does not occur.*Did you mean 'DMSO'"):
        perturbations(screen(["DMSO", "AHR"]), key="condition", control="DMS")
    with pytest.raises(InputError, match="Pass key="):
        perturbations(screen(["DMSO", "AHR"]))
    with pytest.raises(InputError, match=r"key='conditon' is not a column.*Did you mean 'condition'"):
        perturbations(screen(["ctrl", "AHR"]), key="conditon")


@pytest.mark.filterwarnings("ignore::scclamp.errors.InputWarning")
@pytest.mark.parametrize("added", ["perturbation", "condition"])
def test_a_second_call_changes_nothing(added):
    adata = screen(["ctrl", "KLF1_AHR", "C19orf26", "doublet", None, "AHR"])
    perturbations(adata, added=added)
    obs, record = adata.obs.copy(), adata.uns["perturbations"]
    report = record["report"].copy()
    perturbations(adata, added=added)
    pd.testing.assert_frame_equal(adata.obs, obs)
    pd.testing.assert_frame_equal(adata.uns["perturbations"]["report"], report)
    assert json.loads(adata.uns["perturbations"]["params"])["key"] == "condition"


@pytest.mark.filterwarnings("ignore:The control has only", "ignore:.* conditions have fewer than")
def test_fit_takes_the_written_column_though_others_differ():
    rng = np.random.default_rng(0)
    labels = np.repeat(["ctrl", "KLF1+ctrl", "ctrl+C19orf26", "X_1+ctrl", "X_1+KLF1"], 6)
    adata = screen(labels, gene=np.where(labels == "ctrl", "NT", "KLF1"))
    adata.X = rng.uniform(0.1, 2.0, adata.shape).astype(np.float32)
    with pytest.raises(InputError, match="all look like"):
        fit(adata, max_epochs=2)
    perturbations(adata, key="condition")
    fit(adata, max_epochs=2, unmeasured="latent", rng=0)
    assert list(adata.uns["clamp"]["regulators"]) == ["CBARP", "KLF1", "X_1"]


def test_files(tmp_path):
    path = tmp_path / "screen.h5ad"
    screen(["ctrl", "AHRg1", "AHRg2", "KLF1g1"], "grna").write_h5ad(path)
    backed = ad.read_h5ad(path, backed="r")
    perturbations(backed, key="grna")
    assert canonical(backed) == ["control", "AHR", "AHR", "KLF1"]
    with pytest.raises(InputError, match="view of a file"):
        perturbations(backed[:2], key="grna")
    backed.file.close()
    adata = ad.read_h5ad(path)
    perturbations(adata, key="grna")
    for write, read in ((adata.write_h5ad, ad.read_h5ad), (adata.write_zarr, ad.read_zarr)):
        write(tmp_path / write.__name__)
        found = read(tmp_path / write.__name__)
        assert canonical(found) == canonical(adata)
        perturbations(found)
        assert list(found.uns["perturbations"]["report"]["label"]) == ["AHRg1", "AHRg2", "KLF1g1", "ctrl"]


def test_a_view_becomes_a_copy_of_its_own():
    whole = screen(["ctrl", "AHR", "KLF1"])
    part = whole[:2]
    perturbations(part)
    assert canonical(part) == ["control", "AHR"]
    assert "perturbation" not in whole.obs


def test_mudata_labels_beside_the_modalities():
    proteins = screen(["b"] * 3, "lane", genes=["CD4", "CD8"])
    mdata = mudata.MuData({"rna": screen(["a"] * 3, "batch"), "adt": proteins})
    mdata.obs["gene"] = ["NT", "AHR", "KLF1_AHR"]
    perturbations(mdata, mod="rna")
    assert canonical(mdata["rna"]) == ["control", "AHR", "AHR+KLF1"]
    assert "perturbation" not in mdata["adt"].obs


def test_the_report_goes_to_the_logger(caplog, capsys):
    caplog.set_level(logging.INFO, logger="scclamp")
    perturbations(screen(["ctrl", "C19orf26", "AHR"]), show=False)
    assert "1 label, 1 cell\n" in caplog.text
    assert "'C19orf26' -> CBARP (1 cell, renamed: C19orf26 is called CBARP)" in caplog.text
    assert capsys.readouterr().out == ""


def test_genes_that_are_not_measured_take_one_line_and_unused_aliases_are_told(caplog):
    caplog.set_level(logging.INFO, logger="scclamp")
    perturbations(screen(["ctrl", "AHR", "FOO", "BAR"]), aliases={"p53": "TP53", "FOO": "FOO"})
    assert "2 labels with genes that are not measured: 'BAR', 'FOO'" in caplog.text
    assert "'FOO' ->" not in caplog.text
    assert "aliases= names what no label of obs['condition'] holds: 'p53'" in caplog.text


def test_a_panel_of_other_names_is_said():
    adata = screen(["ctrl", "AHR", "KLF1"], genes=["ENSG1", "ENSG2"])
    with pytest.warns(InputWarning, match="None of the 2 perturbed genes .* Check that both are symbols"):
        perturbations(adata)
    adata.var["hgnc"] = ["KLF1", "AHR"]
    with pytest.warns(InputWarning, match=r"var\['hgnc'\] names them: set adata\.var_names from it"):
        perturbations(adata)


@pytest.mark.parametrize(("arguments", "message"), [({"ambiguous": "eror"}, "Did you mean 'error'"),
                                                    ({"added": "a/b"}, "must be a name without '/'")])  # fmt: skip
def test_arguments_are_checked(arguments, message):
    with pytest.raises(InputError, match=message):
        perturbations(screen(["ctrl", "AHR"]), **arguments)


FORMS = {
    "plus": lambda genes: "+".join(genes),
    "gears": lambda genes: "+".join([*genes, "ctrl"]) if len(genes) < 2 else "+".join(genes),
    "underscore": lambda genes: "_".join(genes) or "ctrl",
    "norman": lambda genes: "__".join(["_".join([*genes, "NegCtrl0"])] * 2),
    "eccite": lambda genes: ",".join(f"{g}g{i + 1}" for i, g in enumerate(genes)) or "NTg3",
    "sites": lambda genes: "|".join(f"{g}_-_{17 + i}.23-P1P2" for i, g in enumerate(genes)) or "non-targeting_001",
}


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.sampled_from(GENES), max_size=4, unique=True), min_size=1, max_size=6), st.data())
def test_every_form_of_a_gene_set_is_the_same_condition(sets, data):
    form = FORMS[data.draw(st.sampled_from(sorted(FORMS)))]
    labels = ["ctrl", *(form(data.draw(st.permutations(genes))) or "ctrl" for genes in sets)]
    adata = screen(labels)
    perturbations(adata, key="condition")
    assert canonical(adata) == ["control", *("+".join(sorted(genes)) or "control" for genes in sets)]


def test_papalexi_guides_name_the_targets(shared_data):
    adata = ad.read_h5ad(shared_data / "papalexi2021_eccite" / "papalexi2021_eccite_rna_299genes.h5ad")
    targets = adata.obs["target"].astype(str).replace("non-targeting", "control")
    perturbations(adata, key="grna")
    assert (adata.obs["perturbation"].astype(str) == targets).all()
    perturbations(adata, key="target")
    assert (adata.obs["perturbation"].astype(str) == targets).all()
    with pytest.warns(InputWarning, match="16 of 25 perturbed genes are not measured"):
        panel = recipe(adata, n_top_genes=200, library_size_key="response_n_umis")
    assert panel.var["perturbed"].sum() == 9


def test_norman_sites_and_renamed_genes(shared_data):
    folder = shared_data / "norman2019_pseudobulk"
    adata = ad.read_h5ad(folder / "norman2019_pseudobulk.h5ad")
    guides = pd.read_csv(folder / "guides.csv")
    perturbations(adata)
    report = adata.uns["perturbations"]["report"].set_index("label")
    assert report.index[report["status"] == "renamed"].to_list() == ["C19orf26"]
    assert report.loc["C19orf26", "perturbation"] == "CBARP"
    sites = screen(["NegCtrl0", *guides["guide_id"]], "guide_id", genes=list(adata.var_names))
    perturbations(sites)
    assert canonical(sites)[1:] == ["CBARP" if gene == "C19orf26" else gene for gene in guides["gene"]]


@pytest.mark.parametrize("key", ["condition", "condition_name"])
def test_gears_style_file(shared_data, key):
    adata = ad.read_h5ad(shared_data / "perturbench_devel" / "gears_style_subset.h5ad")
    with pytest.warns(InputWarning, match="None of the 42 perturbed genes .* is among adata.var_names"):
        perturbations(adata, key=key)
    expected = ["+".join(sorted({*c.split("+")} - {"ctrl"})) or "control" for c in adata.obs["condition"]]
    assert canonical(adata) == expected


def test_perturbench_file(shared_data):
    adata = ad.read_h5ad(shared_data / "perturbench_devel" / "devel.h5ad")
    perturbations(adata, key="condition")
    assert canonical(adata) == ["+".join(sorted(c.split("+"))) for c in adata.obs["condition"]]


def test_the_outline_is_printed_unless_told_otherwise(capsys):
    perturbations(screen(["ctrl", "KLF1_AHR", "C19orf26"]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "obs['perturbation'] from obs['condition']: 3 cells, 2 perturbations and the control"
    assert "  renamed: 1 label, 1 cell: 'C19orf26' -> CBARP" in lines
    perturbations(screen(["ctrl", "KLF1_AHR", "C19orf26"]), show=False)
    assert capsys.readouterr().out == ""
    with pytest.raises(InputError):
        perturbations(screen(["ctrl", "AHR", "AHR_FOO"]))
    assert capsys.readouterr().out == "", "nothing was written"


@pytest.mark.parametrize(
    "word", ["AAVS1", "LacZ", "GFP", "eGFP", "sgAAVS1-2", "untreated", "vehicle", "safe-targeting"]
)
def test_what_stands_in_for_a_control(word, capsys):
    adata = screen([word, "AHR", f"KLF1+{word}"])
    perturbations(adata)
    assert canonical(adata) == ["control", "AHR", "KLF1"]
    notes = adata.uns["perturbations"]["report"].set_index("label")["note"]
    if word != "safe-targeting":
        assert notes[word] == "taken for a control"
        assert f"  taken for a control: 1 label, 1 cell: {word!r}" in capsys.readouterr().out.splitlines()
    assert notes["AHR"] == ""


def test_a_reporter_that_is_measured_is_a_gene():
    adata = screen(["ctrl", "GFP", "AHR"], genes=[*GENES, "gfp"])
    perturbations(adata)
    assert canonical(adata) == ["control", "gfp", "AHR"]
    by_symbol = screen(["ctrl", "GFP", "AHR"])
    by_symbol.var["gene_symbol"] = ["GFP", *GENES[1:]]
    perturbations(by_symbol, key="condition")
    assert canonical(by_symbol)[1] == "GFP"


def test_a_stand_in_beside_another_control_is_said_and_can_be_kept_apart(capsys):
    labels = ["non-targeting", "AAVS1", "AHR"]
    adata = screen(labels)
    perturbations(adata)
    assert canonical(adata) == ["control", "control", "AHR"]
    told = "taken for a control, beside 'non-targeting': name control= to keep them apart"
    assert adata.uns["perturbations"]["report"].set_index("label")["note"]["AAVS1"] == told
    assert told in capsys.readouterr().out
    apart = screen(labels)
    perturbations(apart, control="non-targeting")
    assert canonical(apart) == ["control", "AAVS1", "AHR"]
    with pytest.raises(InputError, match="'AAVS1' look like controls: add them to control="):
        fit(screen(labels))


def test_wild_type_is_no_word_for_a_control():
    """WT may be a genotype that was perturbed; somebody has to say."""
    adata = screen(["ctrl", "WT", "AHR"])
    perturbations(adata)
    assert canonical(adata)[1] == "WT"
