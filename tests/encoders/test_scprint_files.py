"""The Lightning file: renamed weights, heads that stay unread, settings of numpy, and nothing that runs code."""

import fractions
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from scclamp._errors import InputError, StorageError
from scclamp.encoders._scprint_files import read_scprint

layout = runpy.run_path(str(Path(__file__).parent / "_scprint_layout.py"))
GENES = layout["identifiers"](7)


@pytest.fixture
def write(tmp_path):
    return lambda **changes: layout["write"](tmp_path / "small.ckpt", GENES, **changes)


def test_weights_and_settings_are_read_and_heads_are_not(write):
    tensors, settings = read_scprint(write())
    expected = layout["weights"](7, heads=False)
    assert set(tensors) == set(expected)
    for name, value in tensors.items():
        torch.testing.assert_close(value, expected[name], rtol=0, atol=0)
    assert (settings["genes"], settings["label_counts"]) == (GENES, dict.fromkeys(layout["CLASSES"], 3))
    assert settings["lr"] == 1e-4


@pytest.mark.parametrize("kind", [object, np.str_])
def test_settings_may_be_arrays(write, kind):
    _, settings = read_scprint(write(hyper={"genes": np.array(GENES, dtype=kind), "nhead": np.int32(2)}))
    assert (list(settings["genes"]), settings["nhead"]) == (GENES, 2)


@pytest.mark.parametrize("old", ["gene_encoder.embedding.weight", "gene_encoder.0.embedding.weight"])
def test_older_names(write, old):
    table, rows = layout["weights"](7)["gene_encoder.embeddings.weight"], torch.ones(4, layout["D"])
    new = {"gene_encoder.embeddings.weight", "class_encoder.embeddings.weight"}
    tensors, _ = read_scprint(write(tensors={old: table, "class_encoder.table.weight": rows}, drop=new))
    assert new < set(tensors)
    assert old not in tensors
    torch.testing.assert_close(tensors["gene_encoder.embeddings.weight"], table)
    torch.testing.assert_close(tensors["class_encoder.embeddings.weight"], rows)


def test_positions_may_have_an_axis_for_the_batch(write):
    pe = torch.arange(24.0).reshape(3, 8)
    for shape in ((3, 8), (1, 3, 8), (3, 1, 8)):
        tensors, _ = read_scprint(write(tensors={"pos_encoder.pe": pe.reshape(shape)}))
        torch.testing.assert_close(tensors["pos_encoder.pe"], pe, rtol=0, atol=0)


def test_more_may_be_left_out(write):
    path = write(tensors={"extra.weight": torch.ones(2), "mine.decoder.weight": torch.ones(2)})
    assert {"extra.weight", "mine.decoder.weight"} < set(read_scprint(path)[0])
    assert set(read_scprint(path, ["extra.", "mine."])[0]) == set(layout["weights"](7, heads=False))


def test_two_weights_that_are_one_are_named(write):
    with pytest.raises(
        InputError, match=r"'class_encoder.embeddings.weight', 'class_encoder.projection.weight' are one"
    ):
        read_scprint(write(tensors={"class_encoder.projection.weight": torch.ones(8, 8)}))


def test_objects_that_could_run_code_are_refused(write):
    path = write(hyper={"share": fractions.Fraction(1, 3)})
    before = set(torch.serialization.get_safe_globals())
    with pytest.raises(StorageError, match=r"could run code.*Of `hyper_parameters` keep 'genes', 'd_model'"):
        read_scprint(path)
    assert set(torch.serialization.get_safe_globals()) == before


@pytest.mark.parametrize(
    "content",
    [
        {"weight": torch.ones(2)},
        {"state_dict": {"weight": torch.ones(2)}},
        {"state_dict": {"weight": 3}, "hyper_parameters": {}},
    ],
)
def test_files_of_another_kind(tmp_path, content):
    torch.save(content, tmp_path / "other.ckpt")
    with pytest.raises(InputError, match=f"holds '{next(iter(content))}'.*Pass the Lightning file"):
        read_scprint(tmp_path / "other.ckpt")


def test_files_that_are_missing_or_damaged(tmp_path):
    with pytest.raises(StorageError, match=r"no\.ckpt' is no file"):
        read_scprint(tmp_path / "no.ckpt")
    (tmp_path / "bad.ckpt").write_bytes(b"PK\x03\x04 and nothing else")
    with pytest.raises(StorageError, match=r"bad\.ckpt' cannot be read"):
        read_scprint(tmp_path / "bad.ckpt")
