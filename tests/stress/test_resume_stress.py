"""Bar 7: 50 random kills in one fit, and the same bits at the end as without any."""

import runpy
import time
from pathlib import Path

import numpy as np
import pytest

Forks = runpy.run_path(str(Path(__file__).parents[1] / "_forks.py"))["Forks"]
pytestmark = pytest.mark.stress

_FIT = """
import warnings
import torch
import scclamp as sc_c
torch.set_num_threads(1)
adata = sc_c.datasets.simulated("tiny")

def run(folder):
    sc_c.tl.fit(adata, max_epochs=2000, patience=10_000, checkpoint=folder, checkpoint_every=5, n_seeds=2,
                start="random", init_scale=0.01)
"""


def _contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix in (".json", ".safetensors")}


def test_50_kills_leave_no_trace(tmp_path, record_property):
    rng = np.random.default_rng(7)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    kills = 0
    with Forks(_FIT) as forks:
        began = time.monotonic()
        assert forks.wait(forks.start(str(whole))) == 0
        length = time.monotonic() - began
        while kills < 50:
            pid = forks.start(str(killed))
            time.sleep(rng.uniform(0, length / 40))
            status = forks.kill(pid)
            assert status == 9, "it must not have been done before the last kill"
            kills += 1
        assert forks.wait(forks.start(str(killed))) == 0
    record_property("kills", kills)
    assert len(_contents(whole)) == 2
    assert _contents(killed) == _contents(whole)
