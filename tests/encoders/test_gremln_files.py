import numpy as np
import pandas as pd
import pytest
import torch

from scclamp._errors import InputError, StorageError
from scclamp.encoders._gremln_files import Vocabulary, aliases_of, read_release

WEIGHTS = {"w": torch.ones(2)}
TOKENS = {"<PAD>": 0, "<MASK>": 1, "<CLS>": 4, "ENSG1": 2, "ENSG2": 3}


@pytest.fixture
def folder(tmp_path):
    torch.save({"state_dict": WEIGHTS, "epoch": 3}, tmp_path / "model.ckpt")
    lines = ["gene_name,idx", "<PAD>,0", "<MASK>,1", "<CLS>, 4", "ENSG1,2", "ENSG2,3"]
    (tmp_path / "vocab.csv").write_text("\n".join(lines))
    return tmp_path


def test_folder_and_file_are_read(folder):
    for path in (folder, folder / "model.ckpt"):
        tensors, vocabulary = read_release(path, None)
        assert torch.equal(tensors["w"], WEIGHTS["w"])
        assert vocabulary.tokens == TOKENS
    assert read_release(folder, TOKENS)[1].cell == 4
    assert read_release(folder, folder / "vocab.csv")[1].genes(5) == {"ENSG1": 2, "ENSG2": 3}


def test_what_is_not_the_one_file_is_named(folder):
    torch.save(WEIGHTS, folder / "other.pt")
    with pytest.raises(StorageError, match=r"not one file of weights .*'model\.ckpt', 'other\.pt'"):
        read_release(folder, None)
    (folder / "vocab.csv").unlink()
    with pytest.raises(StorageError, match="not one file of vocabulary"):
        read_release(folder / "other.pt", None)
    with pytest.raises(StorageError, match="cannot be read"):
        read_release(folder / "other.pt", folder / "none.csv")
    (folder / "vocab.csv").write_text("gene,token\nA,1")
    with pytest.raises(InputError, match="has 'gene', 'token', not `gene_name`"):
        read_release(folder / "other.pt", None)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ({**TOKENS, "<PAD>": 1, "<MASK>": 0}, "'<PAD>', '<MASK>' is missing or not where"),
        ({k: v for k, v in TOKENS.items() if k != "<CLS>"}, "'<CLS>'"),
        ({**TOKENS, "ENSG3": 5}, "its 6 tokens, 0 to 5, are not 0 to 4"),
        ({**TOKENS, "ENSG2": 2}, "are not 0 to 4"),
    ],
)
def test_vocabularies_of_other_models_are_named(tokens, message):
    with pytest.raises(InputError, match=message):
        Vocabulary(tokens).genes(5)


def test_identifiers_by_place_by_name_and_of_the_panel_itself():
    wanted = {"A": "ENSG1", "B": "ENSG2"}
    for given in (
        ["ENSG1.3", "ENSG2"],
        np.array(["ENSG1", "ENSG2.11"]),
        pd.Series(["ENSG1", "ENSG2"]),
        dict(wanted, C="x"),
    ):
        assert aliases_of(["A", "B"], given) == wanted
    assert aliases_of(["A", "B"], pd.Series(["ENSG1", None])) == {"A": "ENSG1"}
    assert aliases_of(["ENSG1.2", "ENSMUSG7"], None) == {"ENSG1.2": "ENSG1", "ENSMUSG7": "ENSMUSG7"}


def test_identifiers_that_lack_or_do_not_fit_are_named():
    with pytest.raises(InputError, match="'A', 'B', no Ensembl identifiers"):
        aliases_of(["A", "B"], None)
    with pytest.raises(InputError, match="ensembl has 1 identifiers for 2 genes"):
        aliases_of(["A", "B"], ["ENSG1"])
