"""Which values pass for log-normalised ones, which for counts, and what the remedy says."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
import scipy.sparse as sp

from scclamp._errors import InputError
from scclamp._streaming import ValueStats
from scclamp._values import peek, problem, require_values

RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(3.0, (60, 20)).astype(np.float32)
LOGNORM = np.log1p(COUNTS / COUNTS.sum(1, keepdims=True) * 1e4).astype(np.float32)
SCALED = LOGNORM - LOGNORM.mean(0)


def stats_of(values):
    stats = ValueStats(integer_dtype=values.dtype.kind in "biu")
    stats.update(values)
    return stats


@pytest.mark.parametrize(
    ("values", "lognorm", "counts"),
    [
        (LOGNORM, None, "fractions"),
        (COUNTS, "look like counts", None),
        (COUNTS.astype(np.uint8), "look like counts", None),
        (SCALED, "negative", "negative"),
        (-COUNTS, "negative", "negative"),
        (np.expm1(LOGNORM), "not brought to a log scale", "fractions"),
        (np.zeros((3, 2)), None, None),
        (np.zeros((300, 200), int), None, None),
        # A toy of whole numbers may be meant; one stored as integers, or with a large one, may not.
        (np.array([[1.0, 2.0], [0.0, 3.0]]), None, None),
        (np.array([[1, 2], [0, 3]]), "look like counts", None),
        (np.array([[1.0, 2.0], [0.0, 21.0]]), "look like counts", None),
        (np.array([[True, False]]), "look like counts", None),
        # Natural logarithms of pseudobulk means of deep samples, and log2 of counts per million, reach so far.
        (np.array([[13.8, 0.1], [19.9, 0.0]]), None, "fractions"),
    ],
)
def test_kinds(values, lognorm, counts):
    for expects, expected in (("lognorm", lognorm), ("counts", counts)):
        found = problem(stats_of(values), expects)
        assert (found is None) == (expected is None)
        assert expected is None or expected in found


@pytest.mark.parametrize("store", [np.asarray, sp.csr_matrix, sp.csc_matrix])
def test_remedy_names_the_layer_that_looks_right(store):
    adata = ad.AnnData(store(COUNTS), layers={"scaled": SCALED, "lognorm": store(LOGNORM), "text": COUNTS.astype(str)})
    with pytest.raises(
        InputError, match=r"layer=None \(X\) holds whole numbers up to \d+.* in layer='lognorm'; pass that"
    ):
        require_values(adata, None, stats_of(COUNTS))
    with pytest.raises(
        InputError, match=r"layer='lognorm' holds fractions.* Counts seem to be in layer=None \(X\); pass"
    ):
        require_values(adata, "lognorm", stats_of(LOGNORM), expects="counts")
    require_values(adata, "lognorm", stats_of(LOGNORM))
    require_values(adata, None, stats_of(COUNTS), expects="counts")


def test_remedy_without_a_layer():
    adata = ad.AnnData(COUNTS)
    with pytest.raises(InputError, match=r"Call scclamp.pp.recipe\(adata\) first \(or scanpy.pp.normalize_total"):
        require_values(adata, None, stats_of(COUNTS))
    with pytest.raises(InputError, match=r"Call scanpy.pp.log1p\(adata\) first"):
        require_values(adata, None, stats_of(np.expm1(LOGNORM)))
    with pytest.raises(InputError, match=r"Pass the layer= that holds log-normalised values, as they were before"):
        require_values(adata, None, stats_of(SCALED))
    with pytest.raises(InputError, match=r"Pass the layer= that holds counts"):
        require_values(adata, None, stats_of(LOGNORM), expects="counts")


def test_remedy_mentions_raw():
    adata = ad.AnnData(LOGNORM)
    adata.raw = adata.copy()
    adata.X = SCALED
    with pytest.raises(InputError, match=r"adata.raw may hold them"):
        require_values(adata, None, stats_of(SCALED))


def test_peek_looks_at_finite_values():
    values = LOGNORM.copy()
    values[0, 0] = np.nan
    assert peek(ad.AnnData(values), None).maximum == pytest.approx(values[np.isfinite(values)].max())
