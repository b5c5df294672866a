"""What a download may leave in the place of a file, for every kind of file that is read."""

import json
import pickle
from pathlib import Path

import pytest
import torch

from scclamp._errors import StorageError
from scclamp.encoders._pickles import read_pickle
from scclamp.encoders._released import checkpoint_folder, released_file
from scclamp.encoders._scvi_files import Trained
from scclamp.encoders._weights import load_checkpoint, read_json

READERS = {"x.pt": load_checkpoint, "x.safetensors": load_checkpoint, "x.json": read_json, "x.pkl": read_pickle}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            "is a pointer of git-lfs.*git lfs pull",
        ),
        (b"\n<!DOCTYPE html>\n<html lang=en>", "is a web page, not the file itself"),
        (b"<html><body>", "is a web page, not the file itself"),
    ],
)
@pytest.mark.parametrize("name", [*READERS, "model.pt"])
def test_pages_and_pointers_are_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    read = READERS.get(name)
    if read is None:
        pytest.importorskip("scvi")
        read = Trained.read
    with pytest.raises(StorageError, match=message):
        read(tmp_path / name)


def test_the_home_folder_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    torch.save({"a": torch.ones(1)}, tmp_path / "x.pt")
    (tmp_path / "x.json").write_text(json.dumps([1]))
    (tmp_path / "x.pkl").write_bytes(pickle.dumps({"a": 1}))
    for name in ("x.pt", "x.json", "x.pkl"):
        assert len(READERS[name](f"~/{name}")) == 1
    assert checkpoint_folder("~", "w.pt") == (tmp_path, tmp_path / "w.pt")
    assert checkpoint_folder("~/x.pt", "w.pt") == (tmp_path, tmp_path / "x.pt")


def test_what_is_missing_is_named_with_what_is_there(tmp_path):
    (tmp_path / "near.pt").touch()
    with pytest.raises(StorageError, match=r"is no file\. Its folder holds near\.pt"):
        released_file(tmp_path / "x.pt")
    with pytest.raises(StorageError, match="Nor is its folder"):
        released_file(Path(tmp_path) / "no" / "x.pt")
