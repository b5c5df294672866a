"""Conditions by what is predicted of them, the unsettled ones last."""

import anndata as ad
import numpy as np
import pandas as pd

from scclamp.cli._ranking import departures, rank


def answer_of(status):
    """Two pairs on three genes, of which the first two are held in the first pair."""
    obs = pd.DataFrame({"targets": ["A+B", "A+X"], "scale": [0.5, 1.0], "status": status}, index=["A+B", "A+X"])
    adata = ad.AnnData(obs=obs, var=pd.DataFrame({"control": [1.0, 1.0, 2.0]}, index=["A", "B", "C"]))
    adata.layers["shift"] = np.array([[9.0, 9.0, 2.0], [9.0, 3.0, 4.0]])
    adata.layers["additive"] = np.array([[0.0, 0.0, 5.0], [0.0, 1.0, 2.0]])
    return adata


def test_the_scale_is_taken_off_and_held_genes_are_left_out():
    expected = [[np.nan, np.nan, 2.0 / 0.5 - 3.0], [np.nan, 3.0, 4.0]]
    np.testing.assert_allclose(departures(answer_of(["converged"] * 2)), expected)


def test_the_largest_come_first_and_what_does_not_settle_last(monkeypatch):
    for status, by, expected in (
        (["converged", "converged"], "interaction", {"A+X": 5.0, "A+B": 1.0}),
        (["converged", "converged"], "effect", {"A+X": 5.0, "A+B": 2.0}),
        (["converged", "unstable"], "effect", {"A+B": 2.0, "A+X": -np.inf}),
    ):
        monkeypatch.setattr("scclamp.tl.predict_clamps", lambda *_, status=status, **__: answer_of(status))
        assert list(rank(None, ["A+B", "A+X"], by, {}).items()) == list(expected.items())
