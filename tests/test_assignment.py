"""Codes and roles of observations, and what becomes of targets that are not measured."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scclamp._assignment import assign, resolve_unmeasured
from scclamp._errors import InputError, InputWarning

LABELS = ["ctrl", "AHR", "KLF1+AHR", "FOO", None, "ctrl", "AHR", "KLF1", "FOO+AHR", "ctrl"]


def adata_of(labels=LABELS, genes=("AHR", "KLF1", "FOX"), **columns):
    obs = pd.DataFrame({"gene": labels} | columns, index=np.array([f"c{i}" for i in range(len(labels))], str))
    return ad.AnnData(np.ones((len(labels), len(genes))), obs=obs, var=pd.DataFrame(index=np.array(genes, str)))


def test_codes_follow_the_labels():
    with pytest.warns(InputWarning, match=r"obs\['gene'\]: 1 observation without a known perturbation \('missing'\)"):
        cells = assign(adata_of(), rng=0)
    assert cells.names == ("control", "AHR", "AHR+FOO", "AHR+KLF1", "FOO", "KLF1")
    assert cells.targets == ((), ("AHR",), ("AHR", "FOO"), ("AHR", "KLF1"), ("FOO",), ("KLF1",))
    np.testing.assert_array_equal(cells.codes, [0, 1, 3, 4, -1, 0, 1, 5, 2, 0])
    np.testing.assert_array_equal(cells.counts(0) + cells.counts(1), [3, 2, 1, 1, 1, 1])
    np.testing.assert_array_equal(cells.counts(1), [1, 1, 0, 0, 0, 0])
    assert cells.regulators == ("AHR", "FOO", "KLF1")
    assert (cells.perturbation_key, cells.split) == ("gene", "train_fraction=0.8")


@pytest.mark.filterwarnings("ignore::scclamp.errors.InputWarning")
def test_conditions_are_left_out_together_with_their_cells():
    cells = assign(adata_of(), rng=0)
    kept = cells.keep(np.array([True, False, True, False, True, True]))
    assert kept.names == ("control", "AHR+FOO", "FOO", "KLF1")
    np.testing.assert_array_equal(kept.codes, [0, -1, -1, 2, -1, 0, -1, 3, 1, 0])


def test_split_key():
    adata = adata_of(["ctrl", "ctrl", "AHR", "AHR", "KLF1", "FOX"], s=["train", "val", "train", "test", "test", "val"])
    cells = assign(adata, split_key="s")
    np.testing.assert_array_equal(cells.roles, [0, 1, 0, -1, -1, 1])
    resolved = resolve_unmeasured(cells, adata, "error")
    assert resolved.names == ("control", "AHR", "FOX")
    assert resolved.regulators == ("AHR",)
    assert cells.split == "split_key='s'"


def test_split_key_is_checked():
    labels = ["ctrl", "AHR", "AHR"]
    with pytest.raises(InputError, match=r"split_key='t' is not a column"):
        assign(adata_of(labels), split_key="t")
    with pytest.raises(InputError, match="split_key='s': obs\\['gene'\\] has no control observation that trains"):
        assign(adata_of(labels, s=["val", "train", "train"]), split_key="s")
    with pytest.warns(InputWarning, match="split_key='s': 1 observations without a value are left out"):
        assign(adata_of(labels, s=["train", "train", None]), split_key="s")


def test_empty_data_is_named():
    with pytest.raises(InputError, match="0 x 3: there are no observations"):
        assign(adata_of([]))
    with pytest.raises(InputError, match="2 x 0: there are no genes"):
        assign(adata_of(["ctrl", "AHR"], genes=()))


def test_duplicate_genes_are_named():
    with pytest.warns(UserWarning, match="not unique"):
        adata = adata_of(["ctrl", "AHR"], genes=("AHR", "FOX", "AHR"))
    with pytest.raises(
        InputError, match=r"var_names are not unique: 'AHR' occurs more than once.*var_names_make_unique"
    ):
        assign(adata)


@pytest.mark.filterwarnings("ignore::scclamp.errors.InputWarning")
class TestUnmeasured:
    def test_error_names_them_and_the_ways_out(self):
        adata = adata_of()
        with pytest.raises(InputError) as error:
            resolve_unmeasured(assign(adata, rng=0), adata, "error")
        text = str(error.value)
        assert "1 perturbed genes are not among the 3 measured ones: 'FOO'. 'FOO': Did you mean 'FOX'?" not in text
        assert "1 perturbed genes are not among the 3 measured ones: 'FOO'." in text
        assert "unmeasured='latent'" in text
        assert "unmeasured='drop'" in text

    def test_near_matches_and_columns_of_var_help(self):
        adata = adata_of(["ctrl", "ahr", "Klf1"], genes=("AHR", "KLF1", "FOX"))
        with pytest.raises(InputError, match=r"'Klf1': Did you mean 'KLF1'\? 'ahr': Did you mean 'AHR'"):
            resolve_unmeasured(assign(adata), adata, "error")
        adata = adata_of(["ctrl", "AHR", "KLF1"], genes=("ENSG1", "ENSG2", "ENSG3"))
        adata.var["symbol"] = ["AHR", "KLF1", "FOX"]
        with pytest.raises(InputError, match=r"var\['symbol'\] names most of them: set adata.var_names"):
            resolve_unmeasured(assign(adata), adata, "error")

    @pytest.mark.parametrize(("labels", "said"), [(["sgAHR-1", "sgKLF1-2"], True), (["BRCA1", "TP53"], False)])
    def test_guides_get_the_way_to_read_them(self, labels, said):
        adata = adata_of(["ctrl", *labels], genes=("AHR", "KLF1", "FOX"))
        with pytest.raises(InputError, match="are not among") as error:
            resolve_unmeasured(assign(adata), adata, "error")
        assert ("If they are guides, call scclamp.pp.perturbations(adata, key=" in str(error.value)) is said

    def test_latent_keeps_every_condition(self):
        adata = adata_of()
        cells = assign(adata, rng=0)
        assert resolve_unmeasured(cells, adata, "latent").names == cells.names

    def test_drop_says_what_is_left_out(self):
        adata = adata_of()
        cells = assign(adata, rng=0)
        with pytest.warns(
            InputWarning, match=r"2 conditions \('AHR\+FOO', 'FOO'\) with 2 observations .* measure 'FOO'"
        ):
            kept = resolve_unmeasured(cells, adata, "drop")
        assert kept.names == ("control", "AHR", "AHR+KLF1", "KLF1")

    def test_something_must_be_left(self):
        adata = adata_of(["ctrl", "FOO"])
        with pytest.raises(InputError, match="no single-gene condition with training cells is left"):
            resolve_unmeasured(assign(adata), adata, "drop")
        adata = adata_of(["ctrl", "AHR+KLF1"])
        with pytest.raises(InputError, match="no single-gene condition"):
            resolve_unmeasured(assign(adata), adata, "error")
