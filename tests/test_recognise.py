"""Which column is taken, and what is said when none can be."""

from __future__ import annotations

import anndata as ad
import mudata
import numpy as np
import pandas as pd
import pytest

import scclamp as sc_c
from scclamp._columns import Table, unwrap
from scclamp._errors import InputError, InputWarning
from scclamp._recognise import CANDIDATES, read_perturbations

# anndata 0.13.4 and mudata 0.4.1 use what pandas 3.1 has deprecated, in views with categories and in MuData.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The 'mode.chained_assignment' option is deprecated"),
    pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.drop is deprecated"),
]

GENES = ["AHR", "KLF1", "STAT1"]


def adata_of(columns):
    n = len(next(iter(columns.values())))
    obs = pd.DataFrame(columns, index=[f"c{i}" for i in range(n)])
    return ad.AnnData(np.ones((n, 3), np.float32), obs=obs, var=pd.DataFrame(index=GENES))


def read(columns, **arguments):
    return read_perturbations(Table(adata_of(columns)), **arguments)


LABELS = ["ctrl", "AHR", "KLF1+ctrl", "KLF1+AHR"]


@pytest.mark.filterwarnings("ignore:perturbation_key=None. by what it holds")
@pytest.mark.parametrize("key", [*CANDIDATES, "Condition", "sgrna_of_this_screen"])
def test_a_column_is_recognised(key):
    reading = read({"batch": list("abab"), "n_counts": [1.0, 2, 3, 4], key: LABELS})
    assert reading.key == key
    assert list(reading.names()) == ["control", "AHR", "KLF1", "AHR+KLF1"]


@pytest.mark.parametrize("key", ["perturbation", "Condition", "guide_id"])
def test_a_usual_name_is_taken_in_silence(key):
    # Warnings are errors here.
    assert not read({"batch": list("abab"), key: LABELS}).guessed


def test_a_guess_is_told_with_its_controls_and_how_to_say_it():
    columns = {"batch": list("abab"), "mine": ["NT", "AHR", "KLF1", "mock"]}
    message = (
        r"obs\['mine'\] was taken for the perturbations, and in it 'NT', 'mock' for the control\. "
        r"Pass perturbation_key='mine' if that is right"
    )
    with pytest.warns(InputWarning, match=message):
        assert read(columns).guessed
    assert not read(columns, perturbation_key="mine").guessed


def test_a_fit_tells_its_guess_once():
    adata = sc_c.datasets.simulated("tiny")
    adata.obs = adata.obs[["perturbation"]].set_axis(["mine"], axis=1)
    with pytest.warns(InputWarning) as heard:
        sc_c.tl.fit(adata, max_epochs=1)
    assert [str(each.message).count("obs['mine'] was taken for the perturbations") for each in heard] == [1]
    sc_c.tl.predict_clamps(adata, ["REG01"])
    sc_c.tl.fit(adata, perturbation_key="mine", max_epochs=1)


def test_a_column_that_names_genes_wins_over_one_that_does_not():
    with pytest.warns(InputWarning, match=r"obs\['target'\] was taken for the perturbations"):
        reading = read({"condition": ["ctrl", "stim", "stim", "ctrl"], "target": ["NT", "STAT1", "NT", "AHR"]})
    assert reading.key == "target"


def test_columns_that_agree_are_one():
    reading = read(
        {
            "guide_identity": ["NegCtrl0_NegCtrl1", "AHR_NegCtrl0", "KLF1_NegCtrl0", "AHR_KLF1"],
            "perturbation": ["control", "AHR", "KLF1", None],
            "condition": LABELS,
        }
    )
    assert reading.key == "perturbation"
    assert reading.dropped() == {"": 1}


def test_columns_that_differ_are_an_error():
    with pytest.raises(InputError, match="'condition', 'target' all look like perturbation labels and differ"):
        read({"condition": LABELS, "target": ["NT", "STAT1", "AHR", "AHR"]})


def test_nothing_recognised_lists_the_columns():
    with pytest.raises(InputError, match=r"columns of adata.obs are 'perturbation', 'n'. Pass perturbation_key="):
        read({"perturbation": ["DMSO", "x"], "n": [1, 2]})
    with pytest.raises(InputError, match=r"columns of adata\.obs are none"):
        read_perturbations(Table(ad.AnnData(np.ones((2, 1)))))


def test_only_the_control_was_not_recognised():
    with pytest.raises(InputError, match=r"obs\['perturbation'\] names genes, but none .* 'DMSO', .* and control="):
        read({"perturbation": ["DMSO", "DMSO", "AHR", "KLF1"], "n": [1, 2, 3, 4]})


def test_a_column_that_cannot_be_read_is_named():
    with pytest.raises(InputError, match=r"obs\['gene'\] has the label 'AHR_FOO', which is neither"):
        read({"gene": ["ctrl", "AHR", "AHR_FOO"]})


@pytest.mark.parametrize("options", [{}, {"perturbation_key": "gene"}])
def test_labels_of_guides_get_the_way_to_read_them(options):
    adata = adata_of({"gene": ["ctrl", "AHR_1", "AHR_2", "KLF1_1"]})
    with pytest.raises(
        InputError, match=r"'AHR_1', which is neither.* scclamp\.pp\.perturbations\(adata, key='gene'\)\.$"
    ):
        read_perturbations(Table(adata), **options)
    sc_c.pp.perturbations(adata, key="gene")  # the advice is true
    assert list(read_perturbations(Table(adata)).names()) == ["control", "AHR", "AHR", "KLF1"]
    unreadable = adata_of({"gene": ["ctrl", "AHR", "AHR_FOO"]})
    with pytest.raises(InputError, match="which is neither") as error:
        sc_c.pp.perturbations(unreadable, key="gene")
    assert "pp.perturbations(" not in str(error.value), "advice to call what was called"


@pytest.mark.parametrize("arguments", [{}, {"perturbation_key": "target"}])
@pytest.mark.parametrize("control", ["DMSO_nt", ["DMSO_nt", "vehicle"], np.array(["DMSO_nt"])])
def test_an_odd_control_works(arguments, control):
    labels = ["DMSO_nt", "AHR", "AHR_DMSO_nt", "vehicle" if len(control) == 2 else "KLF1"]
    names = list(read({"target": labels}, control=control, **arguments).names())
    assert names == ["control", "AHR", "AHR", "control" if len(control) == 2 else "KLF1"]


@pytest.mark.parametrize("arguments", [{}, {"perturbation_key": "target"}])
def test_an_unknown_control_gets_near_matches_and_frequent_labels(arguments):
    with pytest.raises(
        InputError, match=r"Did you mean 'DMSO_nt'\? The most frequent labels .*are 'AHR', 'DMSO_nt'"
    ) as e:
        read({"target": ["DMSO_nt", "AHR", "AHR"]}, control="DMSO-nt", **arguments)
    assert "'DMSO-nt'" in str(e.value)


def test_a_column_without_controls_is_named():
    with pytest.raises(InputError, match=r"obs\['x'\] has no control observations.* 'KLF1', 'AHR'\. Pass control="):
        read({"x": ["AHR", "KLF1", "KLF1"]}, perturbation_key="x")
    with pytest.raises(InputError, match=r"perturbation_key='targt' is not a column.*Did you mean 'target'"):
        read({"target": LABELS}, perturbation_key="targt")


def mudata_of(outer=None):
    rna = adata_of({"gene": LABELS} if outer is None else {"batch": list("abab")})
    mdata = mudata.MuData({"rna": rna, "adt": ad.AnnData(np.ones((4, 1)), obs=pd.DataFrame(index=rna.obs_names))})
    if outer is not None:
        mdata.obs["gene"] = outer
    return mdata


def test_mudata():
    mdata = mudata_of()
    table = unwrap(mdata, "rna")
    assert table.adata is mdata.mod["rna"]
    assert list(read_perturbations(table).names()) == ["control", "AHR", "KLF1", "AHR+KLF1"]
    # Labels may stand beside the modalities.
    assert list(read_perturbations(unwrap(mudata_of(LABELS[::-1]), "rna")).names())[-1] == "control"


def recorded(**columns):
    adata = adata_of(columns)
    adata.uns["perturbations"] = {"params": '{"added": "mine"}', "report": pd.DataFrame()}
    return adata


def test_the_harmonised_column_is_used_whatever_others_say():
    columns = {"condition": LABELS, "gene": ["NT", "AHR", "AHR", "AHR"]}
    reading = read_perturbations(Table(recorded(**columns, mine=["control", "X_1", "KLF1", "KLF1+Y_2"])))
    assert reading.key == "mine"
    # Its separator is known, so that genes which were not measured keep their underscores.
    assert list(reading.names()) == ["control", "X_1", "KLF1", "KLF1+Y_2"]
    assert read_perturbations(Table(recorded(condition=LABELS))).key == "condition"


def test_a_column_whose_name_is_no_text_is_never_taken():
    adata = adata_of({"gene": LABELS})
    adata.obs[0] = LABELS
    assert read_perturbations(Table(adata)).key == "gene"


def test_guides_of_a_control_that_was_not_recognised_lead_to_the_harmoniser():
    adata = adata_of({"grna": ["NTg1", "AHRg1", "AHRg2", "KLF1g1"]})
    with pytest.raises(InputError, match=r"If these are guides, call scclamp\.pp\.perturbations\(adata, key='grna'\)"):
        read_perturbations(Table(adata), perturbation_key="grna")
    sc_c.pp.perturbations(adata, key="grna")  # the advice is true
    with pytest.raises(InputError, match="no control observations") as error:
        read({"x": ["AHR", "KLF1"]}, perturbation_key="x")
    assert "guides" not in str(error.value)


def test_an_odd_control_that_cannot_be_read_leads_to_the_argument():
    with pytest.raises(InputError, match=r"the label 'DMSO_x'.* if it is among these, pass it as control="):
        read({"x": ["DMSO_x", "AHR", "KLF1"]}, perturbation_key="x")
    with pytest.raises(InputError, match="the label 'FOO_x'") as error:
        read({"x": ["ctrl", "AHR", "FOO_x"]}, perturbation_key="x")
    assert "control=" not in str(error.value)


def test_the_harmoniser_does_not_recommend_itself():
    with pytest.raises(InputError, match=r"Pass key=, and control= if its control label is unusual\.$"):
        sc_c.pp.perturbations(adata_of({"x": ["a", "b"]}))
