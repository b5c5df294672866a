import errno
import hashlib
import json
import os
import pickle
import runpy
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from scclamp import _checkpoint
from scclamp._checkpoint import MANIFEST, load, save
from scclamp._digest import load_json
from scclamp._errors import InputError, StorageError

Forks = runpy.run_path(str(Path(__file__).parent / "_forks.py"))["Forks"]
GENES = ["GATA1", "KLF1", "CEBPA"]
TENSORS = {
    "z_first": torch.tensor([[1.5, float("nan")], [float("-inf"), -0.0]], dtype=torch.float64),
    "A": torch.linspace(-1, 1, 6).reshape(2, 3),
    "view": torch.arange(12.0).reshape(3, 4).T[1:],
    "steps": torch.tensor(2**62 + 1),
    "mask": torch.tensor([True, False]),
    "rng": torch.get_rng_state(),
    "half": torch.ones(2, dtype=torch.bfloat16),
    "empty": torch.zeros(0, 3),
    "param": torch.nn.Parameter(torch.ones(2)),
}
STATE = {
    "epoch": 7,
    "history": {"loss": [0.1, float("nan"), 1e-308, 1 / 3], "best": [True, False, True, False]},
    "config": {"lr": 1e-3, "name": "α", "seed": 2**100, "none": None},
    "rng": np.random.default_rng(3).bit_generator.state,
}


def _names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def _bytes(tensor):
    return tensor.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def _tensor_file(folder):
    (name,) = (name for name in _names(folder) if name.startswith("tensors-"))
    return folder / name


@pytest.fixture
def checkpoint(tmp_path):
    save(tmp_path / "c", TENSORS, STATE, kind="fit", genes=GENES)
    return tmp_path / "c"


def test_round_trip_is_bit_exact(checkpoint):
    tensors, state = load(checkpoint, kind="fit", genes=GENES)
    assert list(tensors) == list(TENSORS)
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype
        assert tensors[name].shape == tensor.shape
        assert _bytes(tensors[name]) == _bytes(tensor)
    assert np.isnan(state["history"]["loss"].pop(1))
    expected = json.loads(json.dumps(STATE))
    expected["history"]["loss"].pop(1)
    assert state == expected
    assert list(state) == list(STATE)
    generator = np.random.default_rng(0)
    generator.bit_generator.state = state["rng"]
    assert generator.random() == np.random.default_rng(3).random()


def test_the_folder_holds_a_manifest_and_tensors_named_by_their_content(checkpoint):
    sha256 = hashlib.sha256(_tensor_file(checkpoint).read_bytes()).hexdigest()
    assert _names(checkpoint) == [MANIFEST, f"tensors-{sha256[:12]}.safetensors"]
    manifest = json.loads((checkpoint / MANIFEST).read_text())
    assert manifest["tensors"]["sha256"] == sha256
    assert manifest["schema_version"] == 1
    assert manifest["kind"] == "fit"
    assert manifest["genes"]["sha256"] == hashlib.sha256(json.dumps(GENES).encode()).hexdigest()


def test_a_second_save_replaces_the_first_and_removes_its_tensors(checkpoint):
    (checkpoint / f".{MANIFEST}.12.tmp.json").write_text("left by a killed process")
    (checkpoint / ".tensors-12.safetensors.34.tmp.safetensors").write_text("left by a killed process")
    (checkpoint / "notes.txt").write_text("mine")
    save(checkpoint, {"b": torch.ones(1)}, {"epoch": 8}, kind="fit", genes=GENES)
    assert load(checkpoint, kind="fit")[1] == {"epoch": 8}
    assert [name[:8] for name in _names(checkpoint)] == [MANIFEST[:8], "notes.tx", "tensors-"]


def test_the_same_content_gives_the_same_bytes(checkpoint, tmp_path):
    save(tmp_path / "d", TENSORS, STATE, kind="fit", genes=GENES)
    assert (tmp_path / "d" / MANIFEST).read_bytes() == (checkpoint / MANIFEST).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"kind": "screen"}, "is a checkpoint of kind 'fit', not 'screen'"),
        ({"kind": "fit", "genes": GENES[::-1]}, "the same genes in another order"),
        ({"kind": "fit", "genes": GENES[:2]}, r"other genes \(3 there, 2 here\)"),
        ({"kind": "fit", "genes": ["GATA1", "KLF1", "CEBPB"]}, "other genes"),
        ({"kind": "fit", "genes": []}, "other genes"),
    ],
)
def test_what_does_not_match_is_named(checkpoint, arguments, named):
    with pytest.raises(StorageError, match=named):
        load(checkpoint, **arguments)


def test_missing_parts_are_named(checkpoint, tmp_path):
    with pytest.raises(StorageError, match="the folder does not exist"):
        load(tmp_path / "none", kind="fit")
    tensor_file = _tensor_file(checkpoint)
    tensor_file.unlink()
    with pytest.raises(StorageError, match=rf"{tensor_file.name}' is missing"):
        load(checkpoint, kind="fit")
    (checkpoint / MANIFEST).unlink()
    with pytest.raises(StorageError, match=r"manifest.json' is missing"):
        load(checkpoint, kind="fit")
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot be read"):
        load(tmp_path / "file", kind="fit")
    with pytest.raises(StorageError, match="cannot be made a folder"):
        save(tmp_path / "file", {}, {}, kind="fit", genes=[])


def test_a_newer_schema_asks_for_an_update(checkpoint, monkeypatch):
    monkeypatch.setattr(_checkpoint, "SCHEMA_VERSION", 2)
    save(checkpoint, TENSORS, STATE, kind="fit", genes=GENES)
    monkeypatch.undo()
    with pytest.raises(StorageError, match=r"schema version 2.*Update scclamp"):
        load(checkpoint, kind="fit")


def test_every_changed_bit_is_found(checkpoint):
    rng = np.random.default_rng(0)
    for path in (checkpoint / MANIFEST, _tensor_file(checkpoint)):
        whole = path.read_bytes()
        for where, bit in zip(rng.choice(len(whole), 40, replace=False), rng.integers(0, 8, 40), strict=True):
            damaged = bytearray(whole)
            damaged[where] ^= 1 << bit
            path.write_bytes(damaged)
            with pytest.raises(StorageError):
                load(checkpoint, kind="fit", genes=GENES)
        path.write_bytes(whole)
    load(checkpoint, kind="fit", genes=GENES)


def test_every_truncation_and_addition_is_found(checkpoint):
    for path in (checkpoint / MANIFEST, _tensor_file(checkpoint)):
        whole = path.read_bytes()
        for length in np.linspace(0, len(whole) - 1, 20).astype(int):
            path.write_bytes(whole[:length])
            with pytest.raises(StorageError, match="damaged"):
                load(checkpoint, kind="fit", genes=GENES)
        path.write_bytes(whole + b"\n")
        with pytest.raises(StorageError, match="damaged"):
            load(checkpoint, kind="fit", genes=GENES)
        path.write_bytes(whole)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"x"',
        "{}",
        '{"format":[]}',
        '{"format":"scclamp-checkpoint","schema_version":"1"}',
        '{"format":"scclamp-checkpoint","schema_version":1}',
        "[" * 100_000,
        '{"format":{"$float":[]}}',
        "\ud800".encode("utf-8", "surrogatepass"),
    ],
)
def test_a_manifest_of_something_else_is_damaged(checkpoint, text):
    (checkpoint / MANIFEST).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(StorageError, match=r"manifest.json' is damaged"):
        load(checkpoint, kind="fit")


class _Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("zipped", [False, True])
def test_a_malicious_pickle_never_runs(checkpoint, tmp_path, zipped):
    """Not even when the manifest vouches for it."""
    fuse, bomb = tmp_path / "ran", tmp_path / "bomb.pt"
    torch.save(_Bomb(fuse), bomb) if zipped else bomb.write_bytes(pickle.dumps(_Bomb(fuse)))
    data = bomb.read_bytes()
    _tensor_file(checkpoint).write_bytes(data)
    with pytest.raises(StorageError, match="do not match the recorded digest"):
        load(checkpoint, kind="fit")
    sha256 = hashlib.sha256(data).hexdigest()
    (checkpoint / f"tensors-{sha256[:12]}.safetensors").write_bytes(data)
    manifest = load_json((checkpoint / MANIFEST).read_text())
    del manifest["digest"]
    manifest["tensors"]["sha256"] = sha256
    (checkpoint / MANIFEST).write_text(_checkpoint._with_digest(manifest))
    with pytest.raises(StorageError, match="not the tensors that the manifest names"):
        load(checkpoint, kind="fit")
    assert not fuse.exists()
    torch.load(bomb, weights_only=False) if zipped else pickle.loads(data)
    assert fuse.exists(), "the bomb is a dud, so this test shows nothing"


@pytest.mark.parametrize(
    ("tensors", "state", "named"),
    [
        ({"a": np.zeros(2)}, {}, r"tensors\['a'\] is not a dense tensor"),
        ({"a": torch.zeros(2, 2).to_sparse()}, {}, r"tensors\['a'\] is not a dense tensor"),
        ({1: torch.zeros(2)}, {}, "tensors has the key 1"),
        ({"__metadata__": torch.zeros(2)}, {}, "__metadata__"),
        ({}, {"x": {"y": torch.zeros(1)}}, r"\['state'\]\['x'\]\['y'\] is of type Tensor"),
        ({}, {3: 1}, r"\['state'\] has the key 3"),
    ],
)
def test_what_cannot_be_stored_is_named_and_the_old_one_stays(checkpoint, tensors, state, named):
    with pytest.raises(InputError, match=named):
        save(checkpoint, tensors, state, kind="fit", genes=GENES)
    assert load(checkpoint, kind="fit", genes=GENES)[1]["epoch"] == 7


@pytest.mark.parametrize("call", range(6))
def test_a_full_disk_leaves_the_old_one(checkpoint, monkeypatch, call):
    count = iter(range(1000))

    def failing(inner):
        def run(*args, **kwargs):
            if next(count) == call:
                raise OSError(errno.ENOSPC, "No space left on device")
            return inner(*args, **kwargs)

        return run

    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, failing(getattr(os, name)))
    with pytest.raises(StorageError, match="No space"):
        save(checkpoint, {"b": torch.ones(1)}, {"epoch": 8}, kind="fit", genes=GENES)
    monkeypatch.undo()
    _, state = load(checkpoint, kind="fit", genes=GENES)
    assert state["epoch"] == (8 if call == 5 else 7)  # the last call only flushes the folder
    save(checkpoint, {"b": torch.ones(1)}, {"epoch": 9}, kind="fit", genes=GENES)
    assert load(checkpoint, kind="fit", genes=GENES)[1]["epoch"] == 9
    assert len(_names(checkpoint)) == 2


def test_without_a_lock_young_tensors_of_others_stay(checkpoint, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def unsupported(handle, operation):
        raise OSError(errno.ENOTSUP, "no locks here")

    other = checkpoint / "tensors-000000000000.safetensors"
    other.write_bytes(b"of a process whose manifest is still to come")
    monkeypatch.setattr(fcntl, "flock", unsupported)
    save(checkpoint, {"b": torch.ones(1)}, {"epoch": 8}, kind="fit", genes=GENES)
    assert load(checkpoint, kind="fit")[1] == {"epoch": 8}
    assert other.exists()
    later = time.time() + 2 * 86400
    monkeypatch.setattr(_checkpoint.time, "time", lambda: later)
    save(checkpoint, {"b": torch.ones(1)}, {"epoch": 9}, kind="fit", genes=GENES)
    assert not other.exists()


_WRITER = """
import torch
from scclamp._checkpoint import load, save

def run(path, start, count):
    for epoch in range(start, start + count):
        save(path, {"b": torch.full((50_000,), float(epoch))}, {"epoch": epoch}, kind="fit", genes=["g"])
        tensors, state = load(path, kind="fit", genes=["g"])
        if not (tensors["b"] == state["epoch"]).all():
            raise ValueError(state)
"""


def test_processes_at_once_and_kills_leave_it_readable(tmp_path):
    path, rng = tmp_path / "c", np.random.default_rng(0)
    save(path, {"b": torch.zeros(5)}, {"epoch": 0}, kind="fit", genes=["g"])
    with Forks(_WRITER) as forks:
        for _ in range(4):
            for pid in (forks.start(str(path), 1000, 10**6), forks.start(str(path), 2000, 10**6)):
                time.sleep(rng.uniform(0.0, 0.1))
                assert forks.kill(pid) == 9
                tensors, state = load(path, kind="fit", genes=["g"])
                assert (tensors["b"] == state["epoch"]).all()
        both = [forks.start(str(path), 1000, 20), forks.start(str(path), 1000, 20)]
        assert [forks.wait(pid) for pid in both] == [0, 0]
    assert load(path, kind="fit", genes=["g"])[1] == {"epoch": 1019}
    assert len(_names(path)) == 2
