"""Predictions that are streamed into a file."""

import itertools
import runpy
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scclamp as sc_c
from scclamp._errors import InputError, StorageError
from scclamp.fitting.predict import Predictor

# What anndata and mudata ask of pandas 3 and pandas has deprecated.
pytestmark = pytest.mark.filterwarnings(r"ignore:.*(infer_string|chained_assignment|inplace keyword)")
fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))
simulated_fit = fits["simulated_fit"]


@pytest.fixture(scope="module")
def screen():
    return simulated_fit()


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_a_file_holds_the_same_as_memory(screen, suffix, tmp_path):
    requests = ["REG01+REG02", {"REG03": 1.5}, "control"]
    inside = sc_c.tl.predict_clamps(screen, requests, chunk_size=2)
    path = sc_c.tl.predict_clamps(screen, requests, chunk_size=2, out=tmp_path / f"answer.{suffix}")
    assert path == tmp_path / f"answer.{suffix}"
    reader = ad.read_h5ad if suffix == "h5ad" else ad.read_zarr
    for stored in (sc_c.read(path), reader(path)):
        assert list(stored.obs_names) == list(inside.obs_names)
        pd.testing.assert_frame_equal(stored.obs, inside.obs, check_dtype=False)
        pd.testing.assert_frame_equal(stored.var, inside.var)
        assert stored.uns["clamp_prediction"] == inside.uns["clamp_prediction"]
        assert {*stored.layers} - {None} == {*inside.layers} - {None}
        for layer in ("predicted", "shift", "additive"):
            np.testing.assert_array_equal(stored.layers[layer], inside.layers[layer])


def test_a_failing_prediction_leaves_the_file_that_was_there(screen, tmp_path, monkeypatch):
    path = sc_c.tl.predict_clamps(screen, ["REG01"], out=tmp_path / "a.h5ad")
    before = path.read_bytes()
    solve, solved = Predictor.__call__, []

    def fail_late(self, mask, values, **options):
        solved.append(mask)
        if len(solved) > 4:
            raise RuntimeError("out of device memory")
        return solve(self, mask, values, **options)

    monkeypatch.setattr(Predictor, "__call__", fail_late)
    with pytest.raises(RuntimeError, match="out of device memory"):
        sc_c.tl.predict_clamps(screen, ["REG02", "REG03", "REG04", "REG05"], chunk_size=1, out=path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5ad"]


def test_a_path_where_nothing_can_be_written_is_refused_first(screen, tmp_path):
    with pytest.raises(InputError, match="there is no folder"):
        sc_c.tl.predict_clamps(screen, ["REG02"], out=tmp_path / "no" / "a.h5ad")
    with pytest.raises(InputError, match=r"must end in \.h5ad or \.zarr"):
        sc_c.tl.predict_clamps(screen, ["REG02"], out=tmp_path / "a.csv")
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "thesis.txt").write_text("all of it")
    with pytest.raises(StorageError, match="holds other things"):
        sc_c.tl.predict_clamps(screen, ["REG02"], out=tmp_path / "mine.zarr")


def test_a_file_may_exceed_the_memory(screen, tmp_path):
    triples = itertools.combinations(screen.uns["clamp"]["regulators"], 3)
    with sc_c.settings.override(max_memory=1e-5):
        path = sc_c.tl.predict_clamps(screen, triples, out=tmp_path / "a.h5ad")
    assert ad.read_h5ad(path).n_obs == 56
