import socket

import h5py
import pytest

from scclamp._errors import StorageError
from scclamp.datasets import _transport
from scclamp.datasets._transport import malformed, transfer


@pytest.fixture(autouse=True)
def _alone(cache, waits):
    """Every test here has a cache of its own and waits for nobody."""


def _transfer(file, path, *, digest=""):
    transfer(file, path, file.digest if digest == "" else digest)
    return path.read_bytes()


def test_file_arrives_byte_for_byte(server, tmp_path):
    assert _transfer(server.entry("file"), tmp_path / "x") == server.body


def test_redirect_is_followed(server, tmp_path):
    assert _transfer(server.entry("redirect"), tmp_path / "x") == server.body


PASSING = ["short", "short_unsaid", "empty", "broken", "busy", "reset"]


# Only a digest tells a well-formed wrong body from the right one.
@pytest.mark.parametrize(("fault", "known"), [("wrong", True), *((f, k) for f in PASSING for k in (True, False))])
def test_passing_fault_is_asked_again(server, tmp_path, waits, fault, known):
    file = server.entry(f"{fault}:2", known=known)
    assert _transfer(file, tmp_path / "x") == server.body
    assert server.hits[f"{fault}:2/sets.gmt"] == 3
    assert waits == ([7.0, 7.0] if fault == "busy" else [1.0, 2.0])


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("short", "could not be read"),
        ("short_unsaid", "gave sha256:.* instead of sha256:"),
        ("wrong", "gave sha256:.* instead of sha256:"),
        ("empty", "gave sha256:.* instead of sha256:"),
        ("broken", "answered with HTTP 500"),
        ("busy", "answered with HTTP 429"),
        ("reset", "could not be read .*reset"),
    ],
)
def test_lasting_fault_is_named_after_three_attempts(server, tmp_path, fault, message):
    with pytest.raises(StorageError, match=message):
        _transfer(server.entry(fault), tmp_path / "x")
    assert server.hits[f"{fault}/sets.gmt"] == 3


@pytest.mark.usefixtures("impatient")
def test_silence_is_a_passing_fault(server, tmp_path):
    with pytest.raises(StorageError, match=r"could not be read .*timed out"):
        _transfer(server.entry("slow"), tmp_path / "x")
    assert server.hits["slow/sets.gmt"] == 3


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("html", "a web page"),
        ("json", "a web page"),
        ("html_202", "HTTP 202"),
        ("html_403", "HTTP 403"),
        ("missing", "HTTP 404"),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_refusal_is_not_asked_again(server, tmp_path, fault, message, known):
    with pytest.raises(StorageError, match=message):
        _transfer(server.entry(fault, known=known), tmp_path / "x")
    assert server.hits[f"{fault}/sets.gmt"] == 1


@pytest.mark.parametrize("fault", ["short_unsaid", "empty"])
def test_body_without_a_digest_must_be_whole(server, tmp_path, fault):
    with pytest.raises(StorageError, match=r"ends within a line|is empty"):
        _transfer(server.entry(fault, known=False), tmp_path / "x")


def test_size_is_checked_where_it_is_known(server, tmp_path):
    file = server.entry("short_unsaid", known=False, size=len(server.body))
    with pytest.raises(StorageError, match=f"{len(server.body) - 100} bytes instead of {len(server.body)}"):
        _transfer(file, tmp_path / "x")


def test_mirrors_are_asked_in_order(server, tmp_path):
    assert _transfer(server.entry("html_403", "broken", "file", "missing"), tmp_path / "x") == server.body
    assert dict(server.hits) == {"html_403/sets.gmt": 1, "broken/sets.gmt": 3, "file/sets.gmt": 1}


def test_every_mirror_is_named_when_all_fail(server, tmp_path):
    with pytest.raises(StorageError, match=r"HTTP 403; .*HTTP 404"):
        _transfer(server.entry("html_403", "missing"), tmp_path / "x")


def test_longer_first_attempt_leaves_nothing_behind(server, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(server.body * 2)
    assert _transfer(server.entry("broken:1"), path) == server.body


def test_wait_that_a_server_asks_for_has_a_bound(server, tmp_path, waits, monkeypatch):
    monkeypatch.setattr(_transport, "LONGEST_WAIT", 3.0)
    _transfer(server.entry("busy:1"), tmp_path / "x")
    assert waits == [3.0]


def test_closed_port_is_named(tmp_path, server):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    file = server.entry("file", known=False)
    with pytest.raises(StorageError, match=f"127.0.0.1:{port} could not be read"):
        transfer(type(file)("x.gmt", (f"http://127.0.0.1:{port}/x",)), tmp_path / "x", None)


def test_fault_of_the_disk_is_no_fault_of_the_mirror(server, tmp_path):
    with pytest.raises(FileNotFoundError):
        _transfer(server.entry("file"), tmp_path / "no folder" / "x")
    assert not server.hits


@pytest.mark.parametrize("keep", [0.2, 0.9, 0.999])
def test_truncated_hdf5_is_malformed(tmp_path, keep):
    path = tmp_path / "x.h5ad"
    with h5py.File(path, "w") as file:
        file["x"] = list(range(10000))
    assert malformed(path, path.name) == ""
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    assert "no whole HDF5 file" in malformed(path, path.name)
