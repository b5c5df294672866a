"""Bars 6 and 8 for checkpoints: every changed bit and every truncation is found, and kills leave a whole one."""

import runpy
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from scclamp._checkpoint import load, save
from scclamp._errors import StorageError

Forks = runpy.run_path(str(Path(__file__).parents[1] / "_forks.py"))["Forks"]
GENES = [f"GENE{i}" for i in range(40)]
pytestmark = pytest.mark.stress

_WRITER = """
import torch
from scclamp._checkpoint import save

def run(path, epoch):
    while True:
        epoch += 1
        save(path, {"b": torch.full((200_000,), float(epoch))}, {"epoch": epoch}, kind="fit", genes=["g"])
"""


@pytest.fixture
def checkpoint(tmp_path):
    generator = torch.Generator().manual_seed(0)
    tensors = {
        "A": torch.randn(40, 6, generator=generator, dtype=torch.float64),
        "moment": torch.randn(40, 6, generator=generator),
        "rng": generator.get_state(),
    }
    state = {
        "rng": np.random.default_rng(0).bit_generator.state,
        "history": [[i, 1 / (i + 1), float("nan")] for i in range(50)],
    }
    save(tmp_path / "c", tensors, state, kind="fit", genes=GENES)
    return tmp_path / "c"


def _places(folder, count, rng):
    """Random offsets over all bytes of the checkpoint, half of them in each of its two files."""
    files = sorted(path for path in folder.iterdir() if path.name != ".lock")
    assert len(files) == 2
    for path in files:
        whole = path.read_bytes()
        for _ in range(count // 2):
            yield path, whole, int(rng.integers(len(whole)))
        path.write_bytes(whole)


def test_1000_changed_bits_are_found(checkpoint, record_property):
    rng = np.random.default_rng(8)
    tried = 0
    for path, whole, where in _places(checkpoint, 1000, rng):
        damaged = bytearray(whole)
        damaged[where] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(StorageError):
            load(checkpoint, kind="fit", genes=GENES)
        tried += 1
    record_property("damages found", f"{tried} of {tried}")
    assert tried == 1000
    load(checkpoint, kind="fit", genes=GENES)


def test_200_truncations_are_found(checkpoint, record_property):
    tried = 0
    for path, whole, length in _places(checkpoint, 200, np.random.default_rng(8)):
        path.write_bytes(whole[:length])
        with pytest.raises(StorageError, match="damaged"):
            load(checkpoint, kind="fit", genes=GENES)
        tried += 1
    record_property("damages found", f"{tried} of {tried}")
    assert tried == 200
    load(checkpoint, kind="fit", genes=GENES)


@pytest.mark.parametrize("writers", [1, 2])
def test_200_kills_leave_a_whole_one(tmp_path, writers, record_property):
    path, rng = str(tmp_path / "c"), np.random.default_rng(6)
    save(path, {"b": torch.zeros(5)}, {"epoch": 0}, kind="fit", genes=["g"])
    epoch, seen = 0, set()
    with Forks(_WRITER) as forks:
        for _ in range(200 // writers):
            for pid in [forks.start(path, epoch) for _ in range(writers)]:
                time.sleep(rng.uniform(0, 0.04))
                assert forks.kill(pid) == 9
                tensors, state = load(path, kind="fit", genes=["g"])
                assert (tensors["b"] == state["epoch"]).all()
                assert writers == 2 or state["epoch"] >= epoch
                seen.add(state["epoch"])
            epoch = state["epoch"]
    record_property("kills", 200)
    record_property("versions seen", len(seen))
    assert len(seen) > 10, "the kills came before the first save ended, so this shows nothing"
