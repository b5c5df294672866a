import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from scclamp import _atomic
from scclamp._atomic import STALE_SECONDS, atomic_path, recover, sha256_file
from scclamp._errors import InputError, StorageError


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def _make(path, text, *, folder):
    """Write a file, or a folder of three files, that says `text`."""
    if not folder:
        path.write_text(text)
        return
    (path / "inner").mkdir(parents=True)
    for name in ("a", "b", "inner/c"):
        (path / name).write_text(text)


def _said(path):
    """What a file or every file of a folder says; fails on a mixture."""
    if path.is_file():
        return path.read_text()
    (text,) = {(path / name).read_text() for name in ("a", "b", "inner/c")}
    return text


@pytest.mark.parametrize("folder", [False, True])
def test_new_and_replaced(tmp_path, folder):
    target = tmp_path / "screen.v1.zarr"
    for text in ("old", "new"):
        with atomic_path(target) as temporary:
            assert temporary.parent == tmp_path
            assert temporary.suffix == ".zarr"
            assert not temporary.exists()
            _make(temporary, text, folder=folder)
            assert not target.exists() or _said(target) == "old"
        assert _said(target) == text
    assert _names(tmp_path) == ["screen.v1.zarr"]


def test_a_file_takes_the_place_of_a_folder_never(tmp_path):
    _make(tmp_path / "x", "old", folder=True)
    with pytest.raises(StorageError, match="could not be written"), atomic_path(tmp_path / "x") as temporary:
        temporary.write_text("new")
    assert _said(tmp_path / "x") == "old"
    assert _names(tmp_path) == ["x"]


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (OSError(errno.ENOSPC, "No space left"), StorageError),
        (InputError("no"), InputError),
        (KeyboardInterrupt(),) * 2,
    ],
    ids=["full", "refused", "interrupted"],
)
def test_a_failure_in_the_block_leaves_the_old_one(tmp_path, folder, error, seen):
    target = tmp_path / "x.h5ad"
    _make(target, "old", folder=folder)
    seen = seen if isinstance(seen, type) else type(seen)
    with pytest.raises(seen), atomic_path(target) as temporary:
        _make(temporary, "new", folder=folder)
        raise error
    assert _said(target) == "old"
    assert _names(tmp_path) == ["x.h5ad"]


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize("call", range(12))
def test_a_system_call_that_fails_leaves_the_old_or_the_new_one(tmp_path, monkeypatch, folder, call):
    """Fail the n-th of all fsync and rename calls, whichever it is."""
    target, count, failed = tmp_path / "x", iter(range(1000)), []
    _make(target, "old", folder=folder)

    def failing(inner):
        def run(*args, **kwargs):
            if next(count) == call:
                failed.append(args[0])
                raise OSError(errno.ENOSPC, "No space left on device")
            return inner(*args, **kwargs)

        return run

    for name in ("fsync", "replace", "rename"):
        monkeypatch.setattr(os, name, failing(getattr(os, name)))
    try:
        with atomic_path(target) as temporary:
            _make(temporary, "new", folder=folder)
    except StorageError as error:
        assert str(target) in str(error)  # noqa: PT017 -- late calls do not fail the write
    else:
        assert _said(target) == "new"
        # Only what is on its way out may fail in silence.
        assert [Path(each).suffix for each in failed] in ([], [".old"])
    monkeypatch.undo()
    assert _said(target) in {"old", "new"}
    assert _names(tmp_path) == ["x"]


def test_the_message_names_the_path_and_the_remedy(tmp_path):
    with pytest.raises(StorageError, match=r"x.h5ad' could not be written .*No space.*Free some space"):
        with atomic_path(tmp_path / "x.h5ad"):
            raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(StorageError, match="there is no folder"), atomic_path(tmp_path / "no" / "x"):
        pytest.fail("the block must not run")


def test_mode_and_links_are_kept(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    real, link = tmp_path / "elsewhere" / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    with atomic_path(link) as temporary:
        assert temporary.parent == real.parent
        temporary.write_text("new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert real.stat().st_mode & 0o777 == 0o640


def test_recover_puts_the_old_folder_back_and_nothing_else(tmp_path):
    target = tmp_path / "x.zarr"
    _make(tmp_path / ".x.zarr.0123.old", "old", folder=True)
    _make(tmp_path / ".x.zarr.4567.tmp.zarr", "half", folder=True)
    _make(tmp_path / ".y.zarr.89ab.old", "other", folder=True)
    recover(target)
    assert _said(target) == "old"
    _make(tmp_path / ".x.zarr.cdef.old", "older", folder=True)
    recover(target)
    assert _said(target) == "old"
    assert _said(tmp_path / ".y.zarr.89ab.old") == "other"


def test_recover_leaves_what_another_process_put_in_meanwhile(tmp_path, monkeypatch):
    target, beside = tmp_path / "x.zarr", _atomic._beside
    _make(tmp_path / ".x.zarr.0123.old", "old", folder=True)

    def beside_while_another_writes(path):
        found = beside(path)
        _make(path, "new", folder=True)
        return found

    monkeypatch.setattr(_atomic, "_beside", beside_while_another_writes)
    recover(target)
    assert _said(target) == "new"


def test_what_is_being_removed_is_never_put_back(tmp_path, monkeypatch):
    """Another process may look for the old folder while it is removed, and must not find a part of it."""
    target, removed, seen = tmp_path / "x.zarr", _atomic.remove, []
    _make(target, "old", folder=True)

    def remove_half(path):
        if path.is_dir():
            (path / "a").unlink()
            seen.extend(p.name for p in _atomic._beside(target) if p.name.endswith(".old"))
            assert "a" not in _names(path)
        removed(path)

    monkeypatch.setattr(_atomic, "remove", remove_half)
    with atomic_path(target) as temporary:
        _make(temporary, "new", folder=True)
    assert (seen, _said(target), _names(tmp_path)) == ([], "new", ["x.zarr"])


def test_a_folder_that_others_keep_replacing_is_given_up(tmp_path, monkeypatch):
    target = tmp_path / "x.zarr"
    _make(target, "theirs", folder=True)
    monkeypatch.setattr(_atomic, "_fill", lambda path, folder: _make(path, "theirs", folder=True))
    with pytest.raises(StorageError, match="other processes replaced it 20 times"), atomic_path(target) as temporary:
        _make(temporary, "mine", folder=True)
    assert (_said(target), _names(tmp_path)) == ("theirs", ["x.zarr"])


def test_leftovers_are_swept_when_they_are_a_day_old(tmp_path, monkeypatch):
    for name in ("x", ".x.12.tmp", ".x.34.old", ".xy.12.tmp", ".x.12.tmp.keep", "x.12.tmp"):
        (tmp_path / name).write_text("left")
    with atomic_path(tmp_path / "x") as temporary:
        temporary.write_text("new")
    assert {".x.12.tmp", ".x.34.old"} < set(_names(tmp_path))
    now = time.time()
    monkeypatch.setattr(_atomic.time, "time", lambda: now + STALE_SECONDS + 60)
    with atomic_path(tmp_path / "x") as temporary:
        temporary.write_text("new")
    assert _names(tmp_path) == [".x.12.tmp.keep", ".xy.12.tmp", "x", "x.12.tmp"]


def test_sha256_file(tmp_path):
    data = np.random.default_rng(0).bytes(3_000_000)
    (tmp_path / "x").write_bytes(data)
    assert sha256_file(tmp_path / "x") == hashlib.sha256(data).hexdigest()
    for size in (0, 1, 2**20, 2**20 + 1, len(data)):
        assert sha256_file(tmp_path / "x", size=size) == hashlib.sha256(data[:size]).hexdigest()
    (tmp_path / "empty").touch()
    assert sha256_file(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


_WRITER = """
import sys
from pathlib import Path
from scclamp._atomic import atomic_path
target, folder = Path(sys.argv[1]), sys.argv[2] == "True"
print("ready", flush=True)
for version in range(10**9):
    with atomic_path(target) as temporary:
        if folder:
            (temporary / "inner").mkdir(parents=True)
            for name in ("a", "b", "inner/c"):
                (temporary / name).write_text(str(version) * 20000)
        else:
            temporary.write_text(str(version) * 100000)
"""


@pytest.mark.parametrize("folder", [False, True])
def test_kill_leaves_a_whole_one(tmp_path, folder):
    target, rng = tmp_path / "x", np.random.default_rng(0)
    _make(target, "7" * 20000, folder=folder)
    for _ in range(4):
        command = [sys.executable, "-W", "ignore", "-c", _WRITER, str(target), str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(rng.uniform(0.002, 0.1))
            process.send_signal(signal.SIGKILL)
        recover(target)
        said = _said(target)
        version = said[: len(said) // (20000 if folder or set(said) == {"7"} else 100000)]
        assert said == version * (len(said) // len(version))


@pytest.mark.parametrize("folder", [False, True])
def test_writers_at_once_leave_a_whole_one(tmp_path, folder):
    target = tmp_path / "x"
    code = _WRITER.replace("10**9", "30")
    commands = [[sys.executable, "-W", "ignore", "-c", code, str(target), str(folder)] for _ in range(2)]
    processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
    assert [process.wait() for process in processes] == [0, 0]
    assert set(_said(target)) == {"2", "9"}
    assert _names(tmp_path) == ["x"]
    shutil.rmtree(target) if folder else target.unlink()
