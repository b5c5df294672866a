"""A fit that was stopped goes on as if it had not been: the same bits."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from scclamp._errors import StorageError
from scclamp.fitting import Checkpointer, FitConfig, Trainer, denoise

GENES = [f"gene{i}" for i in range(60)]


def _fit(problem, folder, *, seed=0, n_members=2, stop=None, every=4, genes=GENES, **settings):
    settings = {
        "max_epochs": 24,
        "patience": 1000,
        "start": "random",
        "init_scale": 0.01,
        "learning_rate": 0.02,
    } | settings
    trainer = Trainer(problem, FitConfig(**settings), n_members, np.random.default_rng(seed))
    checkpointer = Checkpointer(folder, genes, every)
    resumed = checkpointer.resume(trainer)

    def after_epoch(trainer):
        checkpointer.after_epoch(trainer)
        if trainer.epoch == stop:
            raise KeyboardInterrupt

    trainer.run(after_epoch)
    return trainer, resumed


def _assert_same(one, two):
    tensors, values = one.state()
    others, other_values = two.state()
    assert tensors.keys() == others.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, others[name]), name
    assert values == other_values


@pytest.mark.parametrize("stop", [3, 4, 13, 23])
def test_stopped_and_resumed_equals_never_stopped(cell_problem, tmp_path, stop):
    problem = cell_problem()
    whole, _ = _fit(problem, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        _fit(problem, tmp_path / "parts", stop=stop)
    resumed, was = _fit(problem, tmp_path / "parts")
    assert was == (stop >= 4)
    _assert_same(whole, resumed)


def test_a_fit_may_be_prolonged(cell_problem, tmp_path):
    problem = cell_problem()
    _fit(problem, tmp_path / "c", max_epochs=7)
    longer, was = _fit(problem, tmp_path / "c", max_epochs=15)
    assert was
    _assert_same(longer, _fit(problem, tmp_path / "whole", max_epochs=15)[0])


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"seed": 1}, "the random seed"),
        ({"learning_rate": 0.01}, "learning_rate"),
        ({"n_members": 1}, "n_seeds"),
        ({"dtype": "float64"}, "dtype"),
        ({"kinetics": "michaelis_menten"}, "kinetics"),
    ],
    ids=str,
)
def test_another_fit_is_refused_and_the_checkpoint_kept(cell_problem, tmp_path, other, what):
    problem = cell_problem()
    _fit(problem, tmp_path, max_epochs=4)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(StorageError, match=f"belongs to another fit: {what} differs"):
        _fit(problem, tmp_path, **other)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_other_data_and_other_genes_are_refused(cell_problem, tmp_path):
    _fit(cell_problem(), tmp_path, max_epochs=4)
    with pytest.raises(StorageError, match="another fit: the data, its labels or their split differs"):
        _fit(cell_problem(rng=1), tmp_path)
    with pytest.raises(StorageError, match="same genes in another order"):
        _fit(cell_problem(), tmp_path, genes=GENES[::-1])


def test_another_encoder_is_refused(cell_problem, tmp_path):
    """By its fingerprint, where it maps the means of these cells alike, and by what it makes of them."""
    problem = replace(cell_problem(), encoder="one")
    _fit(problem, tmp_path, max_epochs=4)
    for other in (replace(problem, encoder="two"), cell_problem(encode=torch.tanh)):
        with pytest.raises(StorageError, match="belongs to another fit: the encoder differs"):
            _fit(other, tmp_path)
    assert _fit(problem, tmp_path)[1]


def test_singular_vectors_of_another_machine_do_not_forbid_to_resume(cell_problem, tmp_path, monkeypatch):
    """They may differ in their last bits, and the shrunken means with them; what was shrunk may not."""
    _fit(denoise(cell_problem(), 1.0)[0], tmp_path, max_epochs=4)
    svd = torch.linalg.svd

    def elsewhere(*args, **options):
        U, s, V = svd(*args, **options)
        return U, s * (1 + 1e-6), V

    monkeypatch.setattr(torch.linalg, "svd", elsewhere)
    here, there = (denoise(cell_problem(rng=rng), 1.0)[0] for rng in (0, 1))
    assert _fit(here, tmp_path, max_epochs=8)[1]
    with pytest.raises(StorageError, match="another fit: the data, its labels or their split differs"):
        _fit(there, tmp_path)


PROGRAM = """
import sys
import scclamp as sc_c
adata = sc_c.datasets.simulated("tiny")
sc_c.tl.fit(adata, max_epochs=int(sys.argv[2]), patience=10_000, checkpoint=sys.argv[1], checkpoint_every=3, n_seeds=2,
            start="random", init_scale=0.01)
"""


def test_three_kills(tmp_path):
    """`kill -9` in the middle, three times in a row, then to the end: the checkpoint of a run that was left alone."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    epochs, manifest = "90", tmp_path / "killed" / "manifest.json"

    def start(folder):
        command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(tmp_path / folder), epochs]
        return subprocess.Popen(command, env=environment)

    for _ in range(3):
        before, process = manifest.read_bytes() if manifest.exists() else b"", start("killed")
        while process.poll() is None and (not manifest.exists() or manifest.read_bytes() == before):
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it must not have been done before it was killed"
    assert start("killed").wait() == 0
    assert start("whole").wait() == 0
    contents = [
        {p.name: p.read_bytes() for p in (tmp_path / f).iterdir() if p.suffix in (".json", ".safetensors")}
        for f in ("killed", "whole")
    ]
    assert len(contents[0]) == 2
    assert contents[0] == contents[1]
