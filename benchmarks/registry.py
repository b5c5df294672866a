"""All benchmarks, in the order of RESULTS.md."""

from __future__ import annotations

from benchmarks import (
    all_pairs,
    encoder,
    ensemble,
    imports,
    lenses,
    norman,
    norman_fit,
    papalexi,
    peers,
    probes,
    reliability,
    scaling,
    triples,
    truth,
    wide,
)

BENCHMARKS = (
    norman_fit.BENCHMARK,
    peers.BENCHMARK,
    ensemble.BENCHMARK,
    triples.BENCHMARK,
    scaling.BENCHMARK,
    wide.BENCHMARK,
    imports.BENCHMARK,
    truth.BENCHMARK,
    norman.BENCHMARK,
    papalexi.BENCHMARK,
    encoder.BENCHMARK,
    lenses.BENCHMARK,
    probes.BENCHMARK,
    all_pairs.BENCHMARK,
    reliability.BENCHMARK,
)
