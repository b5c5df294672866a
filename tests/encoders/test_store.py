import logging
import os
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import safetensors.numpy

from scclamp._atomic import STALE_SECONDS
from scclamp.encoders._store import Store

KEYS = [f"{i:064x}" for i in range(8)]
ARRAY = np.linspace(-1, 1, 60).reshape(12, 5)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path, 10**6)


def _path(store, key=KEYS[0]):
    return store.folder / f"{key}.safetensors"


def test_an_entry_comes_back_bit_by_bit(store):
    assert store.get(KEYS[0]) is None
    store.put(KEYS[0], ARRAY)
    found = store.get(KEYS[0])
    assert found.dtype == np.float64
    assert found.tobytes() == ARRAY.tobytes()
    np.testing.assert_array_equal(safetensors.numpy.load_file(_path(store))["encoded"], ARRAY)


def test_every_flipped_bit_is_found_or_harmless(store, caplog):
    store.put(KEYS[0], ARRAY[:2, :2])
    data = _path(store).read_bytes()
    damaged = 0
    with caplog.at_level(logging.WARNING):
        for bit in range(8 * len(data)):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            _path(store).write_bytes(flipped)
            found = store.get(KEYS[0])
            damaged += found is None
            assert found is None or (found.tobytes() == ARRAY[:2, :2].tobytes() and found.shape == (2, 2))
    assert damaged == len(caplog.records)
    assert damaged > 0.7 * 8 * len(data), "little of a header may differ without harm"


@pytest.mark.parametrize("cut", [0, 5, 60, -1])
def test_a_cut_entry_is_found(store, cut, caplog):
    store.put(KEYS[0], ARRAY)
    _path(store).write_bytes(_path(store).read_bytes()[:cut])
    assert store.get(KEYS[0]) is None
    assert "is damaged" in caplog.text


def test_an_entry_under_another_name_is_found(store, caplog):
    store.put(KEYS[0], ARRAY)
    _path(store).rename(_path(store, KEYS[1]))
    assert store.get(KEYS[1]) is None
    assert "not what was written" in caplog.text


def test_what_was_not_used_for_longest_goes_first(store):
    store.put(KEYS[0], ARRAY)
    small = Store(store.folder, 3 * _path(store).stat().st_size)
    for age, key in zip((30, 20, 10), KEYS, strict=False):
        small.put(key, ARRAY)
        os.utime(_path(store, key), (time.time() - age,) * 2)
    assert small.get(KEYS[0]) is not None, "which makes it the most recent"
    small.put(KEYS[3], ARRAY)
    assert [small.get(key) is not None for key in KEYS[:4]] == [True, False, True, True]


def test_the_bound_holds_and_other_files_stay(store, caplog):
    others = [store.folder / name for name in ("weights.safetensors", "note.txt", f"{KEYS[0]}.txt")]
    for path in others:
        path.write_bytes(b"x" * 5000)
    store.put(KEYS[0], ARRAY)
    size = _path(store).stat().st_size
    small = Store(store.folder, 2 * size + 10)
    for key in KEYS:
        small.put(key, ARRAY)
        assert sum(p.stat().st_size for p in store.folder.iterdir() if p not in others) <= small.max_bytes
    assert small.get(KEYS[-1]) is not None
    with caplog.at_level(logging.INFO):
        Store(store.folder, size - 1).put(KEYS[0], ARRAY)
    assert "more than the cache may hold" in caplog.text
    assert small.get(KEYS[-1]) is not None, "too large an entry pushes nothing out"
    assert all(path.exists() for path in others)


def test_what_a_killed_process_left_is_swept(store):
    names = [f".{key}.safetensors.0123456789ab.tmp.safetensors" for key in KEYS[:2]]
    for name in names:
        (store.folder / name).write_bytes(b"part")
    os.utime(store.folder / names[0], (time.time() - STALE_SECONDS - 60,) * 2)
    store.put(KEYS[5], ARRAY)
    assert [(store.folder / name).exists() for name in names] == [False, True]


def test_a_full_disk_is_logged_and_nothing_else_happens(tmp_path, caplog, monkeypatch):
    store = Store(tmp_path, 10**6)
    monkeypatch.setattr("scclamp._atomic.os.replace", _full)
    store.put(KEYS[0], ARRAY)
    assert "Nothing is kept" in caplog.text
    assert "no space" in caplog.text
    assert not list(tmp_path.iterdir())


def _full(*_args):
    raise OSError(28, "no space")


WORKER = """
import sys, time, logging
from pathlib import Path
import numpy as np, torch
from scclamp.encoders import as_encoder, cached
from scclamp.encoders._store import Store

logging.basicConfig(level=logging.WARNING)
folder, me = Path(sys.argv[1]), sys.argv[2]
(folder / f"ready{me}").touch()
while len(list(folder.glob("ready*"))) < 2:
    time.sleep(0.01)
(folder / "small").mkdir(exist_ok=True)
size = 400 * 8 + 1000
store, hits = Store(folder / "small", 3 * size), 0
for i in range(60):
    key = f"{i % 5:064x}"
    found = store.get(key)
    hits += found is not None
    if found is None:
        store.put(key, np.full((20, 20), float(i % 5)))
    elif not (found == i % 5).all():
        sys.exit("wrong content")
encode = cached(as_encoder(torch.nn.Tanh()), folder / "shared").observations(["A", "B"])
total = sum(float(encode(np.full((3, 2), 0.1 * i)).sum()) for i in range(10))
sys.stdout.write(repr(total))
"""


def test_two_processes_share_a_folder(tmp_path):
    (tmp_path / "worker.py").write_text(textwrap.dedent(WORKER))
    both = [
        subprocess.Popen(
            [sys.executable, tmp_path / "worker.py", tmp_path, str(i)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(2)
    ]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert not any(errors for _, errors in said), "no entry was half written"
    expected = 6 * np.tanh(0.1 * np.arange(10)).sum()
    np.testing.assert_allclose([float(total) for total, _ in said], expected, rtol=1e-12)
    assert len(list((tmp_path / "shared").iterdir())) == 10, "both found the same keys"
    assert sum(p.stat().st_size for p in (tmp_path / "small").iterdir()) <= 3 * (400 * 8 + 1000)


def test_a_folder_that_is_gone_or_may_not_be_changed_is_logged(tmp_path, caplog, monkeypatch):
    gone = Store(tmp_path / "gone", 10**6)
    gone.put(KEYS[0], ARRAY)
    assert "Nothing is kept" in caplog.text
    assert gone.get(KEYS[0]) is None
    store = Store(tmp_path, 10**6)
    store.put(KEYS[0], ARRAY)
    caplog.clear()

    def refused(*_args, **_options):
        raise PermissionError(13, "read-only")

    monkeypatch.setattr("pathlib.Path.unlink", refused)
    Store(tmp_path, _path(store).stat().st_size + 1).put(KEYS[1], ARRAY)
    assert "Nothing is kept: [Errno 13] read-only" in caplog.text
    np.testing.assert_array_equal(store.get(KEYS[0]), ARRAY)
