"""Outputs are looked at before the work begins."""

import io
from argparse import Namespace
from types import SimpleNamespace

import pandas as pd
import pytest

from scclamp._errors import InputError, StorageError
from scclamp.cli._paths import (
    ADATA,
    TABLES,
    read_lines,
    require_asked,
    require_holds,
    require_output,
    require_suffix,
    write_table,
    write_text,
)


def test_a_new_file_may_be_written(tmp_path):
    require_output(str(tmp_path / "new.h5ad"), ADATA, force=False)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_one_needs_force(tmp_path):
    path = tmp_path / "old.csv"
    path.write_text("old")
    with pytest.raises(StorageError, match=r"exists already.*--force"):
        require_output(str(path), TABLES, force=False)
    require_output(str(path), TABLES, force=True)


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_an_input_by_another_name_is_still_the_input(link, tmp_path):
    path, other = tmp_path / "in.h5ad", tmp_path / "out.h5ad"
    path.write_text("x")
    getattr(other, link)(path)
    with pytest.raises(InputError, match="is the input, which is never replaced"):
        require_output(str(other), ADATA, force=True, inputs=[str(tmp_path / "absent"), str(path)])


def test_an_existing_output_that_is_no_input(tmp_path):
    path, other = tmp_path / "in.h5ad", tmp_path / "out.h5ad"
    path.write_text("x")
    other.write_text("x")
    require_output(str(other), ADATA, force=True, inputs=[str(path)])


def test_a_folder_has_to_be_there(tmp_path):
    with pytest.raises(StorageError, match=r"no folder .*Create it first"):
        require_output(str(tmp_path / "no" / "out.h5ad"), ADATA, force=False)


def test_a_folder_has_to_be_open(monkeypatch, tmp_path):
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(StorageError, match="may not write"):
        require_output(str(tmp_path / "out.h5ad"), ADATA, force=False)


def test_an_output_that_is_not_asked_for_is_not_looked_at(tmp_path):
    require_asked(Namespace(output=None, force=False), TABLES, str(tmp_path / "in.csv"))


def test_what_is_asked_for_is_no_input_and_no_file_that_is_there(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("old")
    asked = Namespace(output=str(path), force=True)
    with pytest.raises(InputError, match="is the input"):
        require_asked(asked, TABLES, None, str(path))
    require_asked(asked, TABLES, None)
    with pytest.raises(StorageError, match="exists already"):
        require_asked(Namespace(output=str(path), force=False), TABLES)


@pytest.mark.parametrize(
    ("data", "holds", "does_not"), [(SimpleNamespace(mod={}), "h5mu", "h5ad"), (SimpleNamespace(), "h5ad", "h5mu")]
)
def test_data_need_a_file_that_can_hold_them(data, holds, does_not):
    for path in (None, "out.csv", "out.zarr", f"out.{holds}"):
        require_holds(path, data)
    with pytest.raises(InputError, match=rf"End it in \.{holds} or \.zarr"):
        require_holds(f"out.{does_not}", data)


@pytest.mark.parametrize(
    ("path", "suffixes", "message"),
    [
        ("out.xlsx", (".csv", ".tsv", ".json"), r"ends in '.xlsx', .* End it in \.csv, \.tsv or \.json\."),
        ("out", (".html",), r"has no suffix, .* End it in \.html\."),
    ],
)
def test_suffixes_that_work_are_named(path, suffixes, message):
    with pytest.raises(InputError, match=message):
        require_suffix(path, suffixes)


@pytest.mark.parametrize(("name", "text"), [("t.csv", "a,b\n1,x\n"), ("t.tsv", "a\tb\n1\tx\n")])
def test_tables_are_separated_as_the_suffix_says(name, text, tmp_path):
    write_table(pd.DataFrame({"a": [1], "b": ["x"]}), str(tmp_path / name))
    assert (tmp_path / name).read_text() == text


def test_a_text_is_written_whole(tmp_path):
    write_text("Köln", str(tmp_path / "t.json"))
    assert (tmp_path / "t.json").read_bytes() == "Köln\n".encode()


@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_lines_without_comments(start, tmp_path):
    (tmp_path / "list").write_bytes(f"{start}A+B\r\n\r\n# all of these\r\n  C  # third\r\n".encode())
    assert read_lines(str(tmp_path / "list")) == ["A+B", "C"]


def test_lines_of_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("A\nB\n"))
    assert read_lines("-") == ["A", "B"]


def test_lists_that_cannot_be_read(tmp_path):
    with pytest.raises(StorageError, match="cannot be read"):
        read_lines(str(tmp_path / "absent"))
    (tmp_path / "book.xlsx").write_bytes(b"PK\xff\xfe\x00")
    with pytest.raises(InputError, match=r"is no text.*plain text"):
        read_lines(str(tmp_path / "book.xlsx"))
