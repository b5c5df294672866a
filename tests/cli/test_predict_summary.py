"""Predictions in numbers and in words."""

import pytest

import scclamp as sc_c
from scclamp.cli._predict_summary import summarise, to_text


@pytest.fixture(scope="module")
def requests(fitted):
    return [f"REG0{i}+REG0{j}" for i in range(1, 9) for j in range(i + 1, 9)][:14]


def test_memory_and_files_are_summed_up_alike(fitted, requests, tmp_path):
    inside = summarise(sc_c.tl.predict_clamps(fitted, requests), 3)
    for suffix in ("h5ad", "zarr"):
        path = sc_c.tl.predict_clamps(fitted, requests, out=tmp_path / f"out.{suffix}")
        assert summarise(path, 3) == inside
    assert len(inside["conditions"]) == 14
    assert len(inside["largest_shifts"]) == 12
    assert inside["conditions"][0]["condition"] == "REG01+REG02"
    assert inside["conditions"][0]["status"] == "converged"


def test_held_genes_and_genes_that_stay_are_left_out(fitted):
    shift = sc_c.tl.predict_clamps(fitted, ["REG01+REG02"])
    (largest,) = summarise(shift, 60)["largest_shifts"].values()
    assert not {"REG01", "REG02"} & set(largest)
    sizes = list(map(abs, largest.values()))
    assert sizes == sorted(sizes, reverse=True)
    assert min(sizes) > 0
    assert to_text(summarise(sc_c.tl.predict_clamps(fitted, ["control"]), 3)).endswith("  control  no shift")


def test_text(fitted, requests):
    record = summarise(sc_c.tl.predict_clamps(fitted, requests), 1)
    record["conditions"][1]["status"] = "unstable"
    lines = to_text(record).splitlines()
    assert lines[0] == "Predicted 14 conditions x 60 genes: 13 converged, 1 unstable"
    assert lines[-1] == "  and 2 more"
    gene, shift = next(iter(record["largest_shifts"]["REG01+REG02"].items()))
    assert lines[2] == f"  REG01+REG02  {gene} {shift:+.2f}"
