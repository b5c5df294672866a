"""Where cell-eval computes the same, it finds the same; where it differs, exactly as the docstrings say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from scclamp.metrics import de_overlap, de_precision, direction_accuracy, discrimination_score, mae, mse, pearson_delta

pytest.importorskip("cell_eval", reason="cell-eval, an oracle of these tests, is not installed")

PERTS = [f"p{i}" for i in range(9)]
# cell-eval 0.8 asks polars for a cache that polars has replaced.
pytestmark = pytest.mark.filterwarnings("ignore:the string cache:DeprecationWarning")
GENES = [*PERTS[:3], *(f"g{i}" for i in range(57))]


@pytest.fixture
def pair(screen):
    """Both sides as cells of cell-eval: one for each perturbation, and the control."""
    from anndata import AnnData
    from cell_eval._types import PerturbationAnndataPair

    obs = pd.DataFrame({"pert": [*PERTS, "control"]}, index=[str(i) for i in range(10)])
    sides = [
        AnnData(np.vstack([values, screen.control]), obs=obs.copy(), var=pd.DataFrame(index=GENES))
        for values in (screen.observed, screen.predicted)
    ]
    return PerturbationAnndataPair(real=sides[0], pred=sides[1], pert_col="pert", control_pert="control")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("pearson_delta", lambda s: pearson_delta(s.predicted, s.observed, control=s.control)),
        ("mse", lambda s: mse(s.predicted, s.observed)),
        ("mae", lambda s: mae(s.predicted, s.observed)),
        ("mse_delta", lambda s: mse(s.predicted, s.observed)),
    ],
)
def test_scores_of_means(pair, screen, theirs, ours):
    from cell_eval.metrics import _anndata

    found = getattr(_anndata, theirs)(pair)
    np.testing.assert_allclose([found[p] for p in PERTS], ours(screen), rtol=1e-9)


@pytest.mark.parametrize("metric", ["l1", "l2", "cosine"])
def test_discrimination_is_theirs_but_for_the_denominator(pair, screen, metric):
    from cell_eval.metrics._anndata import discrimination_score as theirs

    targets = np.array([[gene == p for gene in GENES] for p in PERTS])
    ours = discrimination_score(
        screen.predicted, screen.observed, control=screen.control, metric=metric, exclude=targets
    )
    found = theirs(pair, metric=metric)
    np.testing.assert_allclose(1 - (1 - ours) * 8 / 9, [found[p] for p in PERTS])


@pytest.fixture
def tests_of_genes(screen):
    """Fold changes whose logarithms are our shifts, and which of them are significant."""
    import polars as pl
    from cell_eval._types._de import initialize_de_comparison

    rng = np.random.default_rng(0)
    significant, called = rng.random((2, 9, 60)) < 0.4
    tables = []
    for values, mask in ((screen.observed, significant), (screen.predicted, called)):
        shift = values - screen.control
        columns = {
            "target": np.repeat(PERTS, 60),
            "feature": np.tile(GENES, 9),
            "fold_change": np.exp2(shift).ravel(),
            "log2_fold_change": shift.ravel(),
            "abs_log2_fold_change": np.abs(shift).ravel(),
            "p_value": np.where(mask, 0.001, 0.5).ravel(),
            "fdr": np.where(mask, 0.001, 0.5).ravel(),
        }
        tables.append(pl.DataFrame(columns))
    return initialize_de_comparison(real=tables[0], pred=tables[1]), significant, called


@pytest.mark.parametrize("n", [5, 20, 50])
@pytest.mark.parametrize(("name", "ours"), [("overlap", de_overlap), ("precision", de_precision)])
def test_overlap_and_precision(tests_of_genes, screen, name, ours, n):
    from cell_eval._types._enums import DESortBy

    comparison, significant, called = tests_of_genes
    found = comparison.compute_overlap(k=n, metric=name, fdr_threshold=0.05, sort_by=DESortBy.ABS_LOG2_FOLD_CHANGE)
    scores = ours(
        screen.predicted,
        screen.observed,
        control=screen.control,
        n=n,
        significant=significant,
        predicted_significant=called,
    )
    np.testing.assert_allclose(scores, [found[p] for p in PERTS])


def test_direction(tests_of_genes, screen):
    from cell_eval.metrics._de import DEDirectionMatch

    comparison, significant, _ = tests_of_genes
    found = DEDirectionMatch()(comparison)
    scores = direction_accuracy(screen.predicted, screen.observed, control=screen.control, significant=significant)
    np.testing.assert_allclose(scores, [found[p] for p in PERTS])
