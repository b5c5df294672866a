import runpy
from pathlib import Path

import pytest

from scclamp._errors import InputError, StorageError
from scclamp.datasets import _load, norman_2019

layouts = runpy.run_path(str(Path(__file__).parent / "_layouts.py"))


def test_unknown_source_has_a_hint():
    with pytest.raises(InputError, match="Did you mean 'scperturb'"):
        norman_2019("scPerturb ")


def test_path_that_is_no_file_is_named(tmp_path):
    with pytest.raises(StorageError, match="is no file"):
        norman_2019(path=tmp_path / "nothing.h5ad")


def test_file_that_is_no_h5ad_is_named(tmp_path):
    (tmp_path / "x.h5ad").write_text("<html>")
    with pytest.raises(StorageError, match=r"is no readable \.h5ad file"):
        norman_2019(path=tmp_path / "x.h5ad")


def test_download_notes_who_vouches(server, cache, tmp_path, monkeypatch):
    layouts["scperturb"](["control", "KLF1"]).write_h5ad(tmp_path / "x.h5ad")
    server.body = (tmp_path / "x.h5ad").read_bytes()
    entry = server.entry("short:1", name="x.h5ad", size=len(server.body))
    monkeypatch.setitem(_load.REGISTRY, "norman_2019/scperturb", entry)
    monkeypatch.setattr("scclamp.datasets._transport.sleep", lambda seconds: None)
    found = norman_2019()
    assert found.uns["dataset"]["digest"] == entry.digest
    assert found.uns["dataset"]["checksum_source"] == "single"
    assert (cache / "x.h5ad").read_bytes() == server.body


def test_file_of_another_layout_is_named_with_the_layouts_there_are(tmp_path):
    path = tmp_path / "x.h5ad"
    layouts["gears"](["ctrl", "KLF1+ctrl"], cell_type="K562").write_h5ad(path)
    said = (
        r"x\.h5ad was read as source='scperturb' of norman_2019, which is one of 'scperturb', 'gears'\. The file has no"
    )
    with pytest.raises(InputError, match=said):
        norman_2019(path=path)
