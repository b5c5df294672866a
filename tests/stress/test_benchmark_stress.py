"""A benchmark killed at random moments goes on, and its table is that of one that was left alone."""

import runpy
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

Forks = runpy.run_path(str(Path(__file__).parents[1] / "_forks.py"))["Forks"]
pytestmark = pytest.mark.stress

_BENCHMARK = """
import torch
import scclamp as sc_c
from scclamp.predictors import LatentAdditive
torch.set_num_threads(1)
adata = sc_c.datasets.simulated("tiny")

def run(folder):
    table = sc_c.tl.benchmark(adata, LatentAdditive(epochs=150), splits=["additive", "singles", "combinations"], seeds=range(8),
                              checkpoint=folder)
    table.drop(columns="seconds").to_csv(folder + ".csv", float_format="%.17g")
"""


def test_kills_leave_no_trace(tmp_path, record_property):
    rng = np.random.default_rng(3)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    kills = 0
    with Forks(_BENCHMARK) as forks:
        began = time.monotonic()
        assert forks.wait(forks.start(str(whole))) == 0
        length = time.monotonic() - began
        for _ in range(30):
            pid = forks.start(str(killed))
            time.sleep(rng.uniform(0, length / 10))
            kills += forks.kill(pid) == 9
        assert forks.wait(forks.start(str(killed))) == 0
    record_property("kills", kills)
    assert kills > 5
    pd.testing.assert_frame_equal(pd.read_csv(f"{killed}.csv"), pd.read_csv(f"{whole}.csv"))
    assert {p.name for p in killed.glob("*.json")} == {p.name for p in whole.glob("*.json")}
