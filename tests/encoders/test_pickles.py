"""Pickles of plain values are read; whatever names anything else is refused before it is looked up."""

import json
import pickle
import pickletools
import struct
import sys
from collections import OrderedDict

import numpy as np
import pytest

from scclamp._errors import InputError, StorageError
from scclamp.encoders._pickles import read_dictionary, read_pickle

PLAIN = {
    "text": "ENSG00000102145",
    "numbers": [1, 2.5, -(2**70), True, None],
    "sets": ({1, 2}, frozenset({"a"})),
    "bytes": b"\x00\xff",
    "ordered": OrderedDict(a=1),
}


@pytest.fixture
def write(tmp_path):
    def write(content, protocol=None, name="file.pkl"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol))
        return path

    return write


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_are_those_of_pickle(write, protocol):
    if protocol < 3:
        # Python writes bytes and sets of old protocols by way of functions.
        assert any("GLOBAL" in op.name for op, _, _ in pickletools.genops(pickle.dumps(PLAIN, protocol)))
    assert read_pickle(write(PLAIN, protocol)) == PLAIN


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", ["<f8", ">f8", "<f4", "<f2", "<i8", ">i4", "u1", "?", "<U7"])
def test_numbers_of_numpy_become_those_of_python(write, kind, protocol):
    value = np.dtype(kind).type(1).astype(kind) if kind != "<U7" else np.str_("1.25000")
    found = read_pickle(write({"a": value}, protocol))["a"]
    assert found == value.item()
    assert type(found) is type(value.item())


def test_pickles_of_older_numpy(write):
    content = pickle.dumps({"a": np.float64(2.001186)}, 0)
    assert b"numpy._core.multiarray" in content
    older = content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert read_pickle(write(older)) == {"a": 2.001186}


class Call:
    """Pickles as the call of a function."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def _call(module, name, argument, protocol):
    """A pickle that calls by name, without an object of that name being there."""
    if protocol < 4:
        return f"c{module}\n{name}\n(S'{argument}'\ntR.".encode()
    parts = [module.encode(), name.encode(), argument.encode()]
    module, name, argument = (b"\x8c" + struct.pack("B", len(part)) + part for part in parts)
    return b"\x80\x04" + module + name + b"\x93(" + argument + b"tR."


@pytest.mark.parametrize("protocol", [0, 4])
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("builtins", "dict.fromkeys"),
        ("__builtin__", "exec"),
        ("numpy", "load"),
        ("numpy", "dtype.type.mro"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("copyreg", "_reconstructor"),
        ("torch", "load"),
        ("scclamp.encoders._pickles", "Path"),
    ],
)
def test_whatever_else_is_named_is_refused(write, module, name, protocol):
    path = write(_call(module, name, "1", protocol))
    with pytest.raises(StorageError, match=rf"asks for {module}\.{name}, and reading it could run code"):
        read_pickle(path)


def test_nothing_is_imported_or_run(write, tmp_path):
    path = write({"GATA1": Call(exec, f"open({str(tmp_path / 'ran')!r}, 'w').close()")})
    with pytest.raises(StorageError, match="refused"):
        read_pickle(path)
    assert not (tmp_path / "ran").exists()
    assert "antigravity" not in sys.modules
    with pytest.raises(StorageError, match=r"antigravity\.fly"):
        read_pickle(write(_call("antigravity", "fly", "1", 4)))
    assert "antigravity" not in sys.modules


def test_numbers_that_are_none_are_refused(write):
    for kind in (np.dtype("O"), np.dtype("V8"), np.dtype([("a", "O")]), np.dtype("M8[s]"), np.dtype("S3")):
        with pytest.raises(StorageError, match="refused"):
            read_pickle(write(kind))
    with pytest.raises(StorageError, match=r"_codecs.encode to 'rot13'"):
        read_pickle(write(b"c_codecs\nencode\n(S'a'\nS'rot13'\ntR."))


def test_a_file_cannot_change_what_the_next_one_is_read_with(write):
    # BUILD with a pair sets attributes: here bytes for numbers that come without any.
    named = b"cnumpy._core.multiarray\nscalar\n"
    kind = pickle.dumps(np.dtype("f8"), 0)[:-1]
    without = b"0" + named + b"(" + kind + b"tR."
    tampered = named + b"(N(dS'__defaults__'\n(c_codecs\nencode\n(S'12345678'\nS'latin1'\ntRtstb"
    assert isinstance(read_pickle(write(tampered + without)), float)
    with pytest.raises(StorageError, match="required positional argument"):
        read_pickle(write(b"N" + without))


@pytest.mark.parametrize(
    "content", [b"", b"no pickle", pickle.dumps(PLAIN)[:-9], b"\x80\x04.", b"(((", b"cnumpy\ndtype\n)R.", b"P1\n."]
)
def test_damaged_files_are_named(write, content):
    with pytest.raises(StorageError, match=r"file\.pkl' is no pickle, or a damaged one"):
        read_pickle(write(content))


def test_missing_files_are_named(tmp_path):
    with pytest.raises(StorageError, match=r"gone\.pkl' is no file"):
        read_pickle(tmp_path / "gone.pkl")
    with pytest.raises(StorageError, match="is no file"):
        read_pickle(tmp_path)


def test_dictionaries_are_given_or_read(write, tmp_path):
    expected = {"A": 1.5, "B": 2.5}
    (tmp_path / "file.json").write_text(json.dumps(expected))
    sources = (expected, tmp_path / "file.json", write(expected), str(write({"A": np.float64(1.5), "B": 2.5})))
    assert all(read_dictionary("medians", source) == expected for source in sources)
    with pytest.raises(InputError, match=r"medians='.*file\.pkl' holds a list"):
        read_dictionary("medians", write([1]))
