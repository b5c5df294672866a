import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from scclamp._errors import InputError, InputWarning
from scclamp.datasets._house import gears, scperturb, to_house

layouts = runpy.run_path(str(Path(__file__).parent / "_layouts.py"))
LABELS = ["control", "KLF1", "GATA1"]


@pytest.mark.parametrize("value", [0.5, -1.0, np.nan, np.inf])
@pytest.mark.parametrize("where", ["X", "counts"])
def test_values_that_are_no_counts_are_refused(value, where):
    if where == "X":
        adata, layout = layouts["scperturb"](LABELS), scperturb("K562")
        adata.X.data[3] = value
    else:
        adata, layout = layouts["gears"](["ctrl", "KLF1+ctrl"], cell_type="K562"), gears("K562")
        adata.layers["counts"] = sparse.csr_matrix(adata.layers["counts"])
        adata.layers["counts"].data[3] = value
    with pytest.raises(InputError, match="other values than whole numbers"):
        to_house(adata, layout)


def test_counts_are_not_taken_for_log_normalised_values():
    adata = layouts["gears"](["ctrl", "KLF1+ctrl"], cell_type="K562")
    adata.X = sparse.csr_matrix(adata.layers["counts"])
    with pytest.raises(InputError, match="whole numbers only"):
        to_house(adata, gears("K562"))


def test_other_layout_is_named():
    with pytest.raises(InputError, match="no column 'condition' in obs"):
        to_house(layouts["scperturb"](LABELS), gears("K562"))


def test_genes_of_one_symbol_stay_apart_and_are_told():
    adata = layouts["scperturb"](LABELS)
    adata.var_names = ["KLF1", "GATA1", "GAPDH", "GAPDH", *adata.var_names[4:-2], "ACTB", "ACTB"]
    notes = to_house(adata, scperturb("K562"))
    assert adata.var_names.is_unique
    assert adata.var["symbol"].tolist()[2:4] == ["GAPDH", "GAPDH"]
    assert any("2 symbols name several genes each" in note and "'GAPDH', 'ACTB'" in note for note in notes)


def test_symbols_come_from_their_column():
    adata = layouts["scperturb"](LABELS)
    adata.var["gene_symbol"] = adata.var_names.to_numpy()
    adata.var_names = adata.var["ensembl_id"].to_numpy()
    adata.var.index.name = None
    to_house(adata, scperturb("K562"))
    assert list(adata.var_names) == layouts["GENES"]
    assert adata.var["gene_id"].tolist() == adata.var["ensembl_id"].tolist()


def test_library_size_of_the_file_is_kept():
    adata = layouts["scperturb"](LABELS)
    adata.obs["n_counts"] = [7.0, 8.0, 9.0]
    to_house(adata, scperturb("K562"))
    assert adata.obs["n_counts"].tolist() == [7.0, 8.0, 9.0]


def test_label_that_cannot_be_read_is_left_out_aloud():
    adata = layouts["scperturb"]([*LABELS, "what_ever"])
    with pytest.warns(InputWarning, match="1 observation without a known perturbation"):
        to_house(adata, scperturb("K562"))
    assert adata.obs["perturbation"].isna().tolist() == [False, False, False, True]
    report = adata.uns["perturbations"]["report"].set_index("label")
    assert report.loc["what_ever", "status"] == "ambiguous"


@pytest.mark.parametrize(("said", "warns"), [("k562", False), ("K562", False), ("HeLa", True)])
def test_cell_line_is_corrected_aloud(said, warns, recwarn):
    adata = layouts["scperturb"](LABELS, cell_line=said)
    to_house(adata, scperturb("K562"))
    assert set(adata.obs["cell_line"]) == {"K562"}
    assert [str(w.message).startswith("obs['cell_line'] of the file says 'HeLa'") for w in recwarn] == [True] * warns
