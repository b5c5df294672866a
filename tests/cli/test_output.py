"""What is written, and where."""

import io
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from scclamp._errors import StorageError
from scclamp.cli._output import aligned, say, say_json, tell, to_json


def test_results_and_messages_are_apart(capsys):
    say("result")
    tell("message")
    say_json({"n": 1})
    assert capsys.readouterr() == ('result\n{\n  "n": 1\n}\n', "message\n")


def test_json_holds_what_numpy_and_pandas_give():
    table = pd.DataFrame({"name": ["a"], "value": [np.nan], "n": [np.int64(3)]})
    record = {"array": np.array([1.5, np.inf]), "rows": table.to_dict("records"), "flag": np.bool_(True), "none": None}
    record |= {"names": np.array(["x", "y"]), "nested": {"pair": ("A", "B")}}
    assert json.loads(to_json(record)) == {
        "array": [1.5, None],
        "rows": [{"name": "a", "value": None, "n": 3}],
        "flag": True,
        "none": None,
        "names": ["x", "y"],
        "nested": {"pair": ["A", "B"]},
    }


def test_what_is_no_value_is_an_error_not_a_text():
    with pytest.raises(TypeError):
        to_json({"thing": object()})


def test_columns_begin_below_each_other():
    assert aligned([("a", "bb", "c"), ("aaa", "b", "")]) == ["a    bb  c", "aaa  b"]
    assert aligned([]) == []


class Closed(io.StringIO):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def flush(self):
        raise self.error


def test_a_reader_that_left_is_no_error(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Closed(BrokenPipeError()))
    say("nobody listens")


def test_a_full_disk_is_an_error(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Closed(OSError(28, "No space left on device")))
    with pytest.raises(StorageError, match=r"No space left on device.*Send it somewhere else"):
        say("too much")


def test_work_goes_on_after_the_reader_left(tmp_path):
    code = (
        "import pathlib, sys; from scclamp.cli._output import say\n"
        "sys.stdin.read()\n"
        "for _ in range(3): say('line')\n"
        "pathlib.Path(sys.argv[1]).write_text('done')"
    )
    command = [sys.executable, "-c", code, tmp_path / "out"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        process.stdin.close()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (0, b"")
    assert (tmp_path / "out").read_text() == "done"
