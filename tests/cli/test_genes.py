"""Genes get the symbols of a column."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scclamp as sc_c
from scclamp._errors import InputError, InputWarning
from scclamp._storage import decode
from scclamp.cli._genes import name_genes


def made(symbols, **columns):
    names = [f"ENSG{i}" for i in range(len(symbols))]
    return ad.AnnData(np.ones((2, len(names))), var=pd.DataFrame({"symbol": symbols, **columns}, index=names))


def test_symbols_become_names_and_identifiers_are_kept():
    adata = made(["KLF1", "AHR"])
    name_genes(adata, "symbol", None)
    assert list(adata.var_names) == ["KLF1", "AHR"]
    assert list(adata.var["gene_id"]) == ["ENSG0", "ENSG1"]


def test_without_a_column_nothing_changes():
    adata = made(["KLF1", "AHR"])
    name_genes(adata, None, None)
    assert list(adata.var_names) == ["ENSG0", "ENSG1"]
    assert list(adata.var.columns) == ["symbol"]


@pytest.mark.parametrize("missing", [None, np.nan, ""])
def test_genes_without_a_symbol_keep_their_name(missing):
    adata = made(["KLF1", missing], gene_id=["a", "b"])
    name_genes(adata, "symbol", None)
    assert list(adata.var_names) == ["KLF1", "ENSG1"]
    assert list(adata.var["gene_id"]) == ["a", "b"]


def test_categories_are_symbols_too():
    adata = made(pd.Categorical(["KLF1", None]))
    name_genes(adata, "symbol", None)
    assert list(adata.var_names) == ["KLF1", "ENSG1"]


@pytest.mark.filterwarnings("ignore:Variable names are not unique")
def test_repeated_symbols_are_numbered_and_told():
    adata = made(["KLF1", "TBCE", "TBCE"])
    with pytest.warns(InputWarning, match="1 names stand for several genes, which are numbered: 'TBCE'"):
        name_genes(adata, "symbol", None)
    assert list(adata.var_names) == ["KLF1", "TBCE", "TBCE-1"]


@pytest.mark.filterwarnings("ignore:Variable names are not unique")
def test_names_that_were_repeated_before_are_numbered_too(call, screen_file, tmp_path):
    adata = sc_c.read(screen_file)
    adata.var_names = [*adata.var_names[:-1], adata.var_names[0]]
    sc_c.write(adata, tmp_path / "twice.h5ad")
    done = call("fit", tmp_path / "twice.h5ad", "-o", tmp_path / "out.h5ad", "--epochs", 2)
    assert (done.code, "are numbered: 'GENE0001'" in done.err) == (0, True)
    assert sc_c.read(tmp_path / "out.h5ad").var_names[-1] == "GENE0001-1"


def test_a_column_that_is_not_there():
    with pytest.raises(InputError, match=r"--gene-names symbl is no column of var. Did you mean 'symbol'\?"):
        name_genes(made(["A"]), "symbl", None)


def test_a_screen_of_identifiers_is_fitted(call, screen_file, fitted, tmp_path):
    adata = sc_c.read(screen_file)
    adata.var["symbol"] = adata.var_names.astype(str)
    adata.var_names = [f"ENSG{i:011}" for i in range(adata.n_vars)]
    sc_c.write(adata, tmp_path / "ids.h5ad")
    arguments = ("fit", tmp_path / "ids.h5ad", "-o", tmp_path / "out.h5ad", "--epochs", 4, "--seed", 3)
    done = call(*arguments)
    assert (done.code, "as --gene-names" in done.err) == (1, True), done.err
    assert call(*arguments, "--gene-names", "symbol").code == 0
    assert decode(sc_c.read(tmp_path / "out.h5ad")).digests == decode(fitted).digests
