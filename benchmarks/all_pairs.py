"""All pairs of 1,000 genes asked of an encoder: how long the two probes of expression take, and in what memory."""

from __future__ import annotations

import tempfile
import time

from benchmarks.clock import in_child
from benchmarks.record import Benchmark, Outcome, Scale, Table

MODELS = ("two layers, 256 wide", "scGPT, small")
METHODS = ("virtual", "gradient")
REPEATS = 5


def ask(model: str, method: str, n_genes: int) -> dict[str, float]:
    """Probe every pair; beside it the time of one reading of a batch, in the same process."""
    import numpy as np
    import torch

    import scclamp as sc_c

    torch.set_num_threads(1)
    adata = cells(n_genes)
    with tempfile.TemporaryDirectory() as folder:
        lens = scgpt(adata, folder) if model == MODELS[1] else perceptron(n_genes)
        states = torch.from_numpy(np.asarray(adata.X[:64]))
        reading = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            with torch.no_grad():
                lens.reconstruct(states)
            reading.append((time.perf_counter() - start) / len(states))
        start = time.perf_counter()
        edges = sc_c.tl.probe_grn(adata, lens, method=method, rng=0)
        spent = time.perf_counter() - start
    return {"edges": len(edges), "seconds": spent, "reading": float(np.median(reading))}


def cells(n_genes: int):
    """Log-normalised counts without structure: only the size of the question matters here."""
    import anndata as ad
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    counts = rng.poisson(rng.gamma(1, 1, (200, n_genes)))
    names = pd.DataFrame(index=[f"G{i}" for i in range(n_genes)])
    return ad.AnnData(np.log1p(counts).astype(np.float32), var=names)


def scgpt(adata, folder: str):
    """The small scGPT of these benchmarks, hardly trained: weights do not change what a pass costs."""
    from benchmarks.masked_training import Size
    from benchmarks.small_models import learn, load_scgpt, write
    from benchmarks.small_scgpt import ScGPTTrainee

    size = Size(64, 4, 128, 2, 51, 1, reads=128)
    write(*learn(ScGPTTrainee, adata[:20].copy(), size, 1, 0), folder)
    return load_scgpt(folder, adata.var_names)


def perceptron(n_genes: int):
    """A model of a user's own."""
    import torch

    class Perceptron(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.into, self.out = torch.nn.Linear(n_genes, 256), torch.nn.Linear(256, n_genes)

        def forward(self, x):
            return torch.tanh(self.into(x))

        def reconstruct(self, x):
            return self.out(self(x))

    import scclamp as sc_c

    return sc_c.encoders.as_encoder(Perceptron().eval())


def run(scale: Scale) -> Outcome:
    n_genes = 40 if scale == Scale.QUICK else 1000
    rows = []
    for model in MODELS:
        for method in METHODS:
            found = in_child(ask, model=model, method=method, n_genes=n_genes)
            rows.append(
                {
                    "model": model,
                    "method": method,
                    "edges": found["edges"],
                    "s": found["seconds"],
                    "readings of a cell": found["seconds"] / found["reading"],
                    "peak, GB": found["peak_gb"],
                }
            )
    return Outcome([], [Table(f"All pairs of {n_genes:,} genes on one thread, each in a process of its own.", rows)])


BENCHMARK = Benchmark(
    name="all_pairs",
    title="All pairs of 1,000 genes",
    about=(
        "`tl.probe_grn` without sources or targets: every gene against every other, by virtual values (8 levels of each "
        "source) and by gradient trajectories (8 baselines, a backward pass for each target). *Readings of a cell* is the "
        "time over that of one forward pass of the model for one cell, in batches of 64: what a machine or a model that is "
        "faster or slower would need."
    ),
    run=run,
)
