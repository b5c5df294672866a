"""All triples of 102 genes through the public face, in time and memory."""

from __future__ import annotations

import itertools
import math
import tempfile
import time
from pathlib import Path

from benchmarks.clock import in_child
from benchmarks.record import Benchmark, Check, Outcome, Scale, Table


def make_fit(path: str, preset: str) -> dict[str, int]:
    """Write a fitted screen: few cells and epochs, since only the size of its network matters here."""
    import scclamp as sc_c

    adata = sc_c.datasets.simulated(preset, n_cells_per_condition=10, n_control_cells=100, combinations=0)
    sc_c.tl.fit(adata, max_epochs=50)
    adata.write_h5ad(path)
    return {"genes": adata.n_vars, "regulators": len(adata.uns["clamp"]["regulators"])}


def predict(path: str, out: str | None, layers: list[str]) -> dict[str, float]:
    """Predict every triple, into memory or into a file."""
    import anndata as ad

    import scclamp as sc_c

    adata = ad.read_h5ad(path)
    triples = itertools.combinations(adata.uns["clamp"]["regulators"].tolist(), 3)
    start = time.perf_counter()
    result = sc_c.tl.predict_clamps(adata, triples, layers=layers, out=out)
    spent = time.perf_counter() - start
    obs = (ad.experimental.read_lazy(result).obs.to_memory() if out else result.obs)["status"]
    return {"seconds": spent, "rows": len(obs), "converged": float((obs == "converged").mean())}


def run(scale: Scale) -> Outcome:
    preset = "demo" if scale == Scale.QUICK else "norman_like"
    with tempfile.TemporaryDirectory() as folder:
        fitted, out = str(Path(folder, "fit.h5ad")), str(Path(folder, "triples.h5ad"))
        size = in_child(make_fit, path=fitted, preset=preset)
        memory = in_child(predict, path=fitted, out=None, layers=["predicted"])
        file = in_child(predict, path=fitted, out=out, layers=["predicted"])
        Path(out).unlink()
        both = in_child(predict, path=fitted, out=out, layers=["shift", "additive"])
    n = math.comb(size["regulators"], 3)
    checks = [
        Check(f"{n:,} triples on {size['genes']:,} genes, into memory", memory["seconds"], "s", at_most=60),
        Check("the same, peak memory of the process", memory["peak_gb"], "GB", at_most=4),
        Check("into a file, peak memory of the process", file["peak_gb"], "GB", at_most=4),
        Check("shift and additive into a file, peak memory of the process", both["peak_gb"], "GB", at_most=4),
    ]
    named = {"predicted, memory": memory, "predicted, file": file, "shift and additive, file": both}
    rows = [
        {"layers": name, "s": f["seconds"], "peak, GB": f["peak_gb"], "rows": f["rows"], "converged": f["converged"]}
        for name, f in named.items()
    ]
    return Outcome(checks, [Table("Each in a process of its own.", rows)])


BENCHMARK = Benchmark(
    name="triples",
    title="All triples",
    about=(
        "Every triple of the regulators through `tl.predict_clamps`, with labels, checks and diagnostics: what a "
        "user calls. Peak memory is that of the whole process, libraries and result included. Files are written "
        "uncompressed to the temporary folder, so their time contains the disk."
    ),
    run=run,
)
