"""Files with more than weights: what is read, what is left unread, and that nothing in them runs."""

import os
import pathlib
import pickle
from collections import OrderedDict, defaultdict

import numpy as np
import pandas as pd
import pytest
import torch

from scclamp._errors import StorageError
from scclamp.encoders._unread import Unread, read_file


class Runs:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path, how):
        self.path, self.how = path, how

    def __reduce__(self):
        return self.how, (self.path,)


class Sets:
    """Carries a state."""

    def __init__(self, **state):
        self.__dict__.update(state)


def read(tmp_path, content, **options):
    torch.save(content, tmp_path / "content.pt", **options)
    return read_file(tmp_path / "content.pt", "ask someone")


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool", "U3", "object"])
def test_arrays(tmp_path, dtype):
    array = np.array([["0", "1"], ["1", "0"]]).astype(dtype)
    found = read(tmp_path, {"array": array})["array"]
    np.testing.assert_array_equal(found, array)
    assert (found.dtype, type(found)) == (array.dtype, np.ndarray)


def test_containers_and_numbers(tmp_path):
    content = {
        "tensor": torch.arange(3.0),
        "defaults": defaultdict(dict, a={"b": defaultdict(list, c=[1])}),
        "ordered": OrderedDict(a=1),
        "empty": np.array([], dtype=object),
        "nothing": b"",
        "scalars": [np.float64(1.5), np.int64(2), np.bool_(True)],
        "plain": (None, True, 3, "x", {1}, slice),
    }
    found = read(tmp_path, content)
    torch.testing.assert_close(found["tensor"], content["tensor"])
    assert found["defaults"] == {"a": {"b": {"c": [1]}}}
    assert type(found["defaults"]) is dict
    assert (found["ordered"], found["nothing"], found["scalars"]) == (OrderedDict(a=1), b"", [1.5, 2, True])
    assert found["plain"][:-1] == content["plain"][:-1]
    assert issubclass(found["plain"][-1], Unread)


def test_objects_are_left_unread(tmp_path):
    table = pd.DataFrame({"loss": [1.0, 2.0], "name": ["a", "b"]})
    found = read(tmp_path, {"history": {"train": table}, "own": Sets(a=1), "map": torch.exp, "weight": torch.ones(2)})
    assert isinstance(found["history"]["train"], Unread)
    assert type(found["history"]["train"]).__name__ == "DataFrame"
    assert isinstance(found["own"], Unread)
    assert not vars(found["own"])
    assert found["weight"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("how", "refused"), [(eval, ""), (os.mkdir, "posix|nt"), (pathlib.Path.mkdir, "call reduce for unrecognized")]
)
def test_nothing_runs(tmp_path, how, refused):
    mark, file = tmp_path / "mark", tmp_path / "content.pt"
    given = {eval: f"__import__('os').mkdir({str(mark)!r})", os.mkdir: str(mark)}.get(how, mark)
    torch.save({"weight": torch.ones(1), "object": Runs(given, how)}, file)
    if refused:
        with pytest.raises(StorageError, match=rf"without running what it holds .*({refused}).*ask someone\.$"):
            read_file(file, "ask someone")
    else:
        assert isinstance(read_file(file, "")["object"], Unread)
    assert not mark.exists()
    torch.load(file, weights_only=False)
    assert mark.is_dir()  # it would have


def test_arrays_that_are_none(tmp_path):
    torch.save({"array": Runs("no class", np.ones(1).__reduce__()[0])}, tmp_path / "content.pt")
    with pytest.raises(StorageError, match=r"content\.pt' cannot be read"):
        read_file(tmp_path / "content.pt", "ask someone")


def test_what_the_user_trusts_stays_so(tmp_path):
    before = set(torch.serialization.get_safe_globals())
    with torch.serialization.safe_globals([np.dtypes.Float64DType, Sets]):
        read(tmp_path, {"array": np.ones(2), "own": Sets()})
        assert set(torch.serialization.get_safe_globals()) == before | {np.dtypes.Float64DType, Sets}
    assert set(torch.serialization.get_safe_globals()) == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: b"no archive",
        lambda whole: pickle.dumps({"weight": 1}),
    ],
    ids=["empty", "cut off", "text", "pickle"],
)
def test_damaged_files(tmp_path, damage):
    path = tmp_path / "content.pt"
    torch.save({"weight": torch.ones(100), "array": np.ones(100)}, path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StorageError, match=r"content\.pt' cannot be read"):
        read_file(path, "ask someone")
