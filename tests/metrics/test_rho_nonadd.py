"""Correlation of residuals, against scipy, and what it rewards."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scclamp.metrics import rho_nonadd


def test_against_scipy(screen):
    own = screen.control + 0.1
    found = rho_nonadd(
        screen.predicted,
        screen.observed,
        control=screen.control,
        additive_shift=screen.additive,
        predicted_control=own,
        exclude=screen.exclude,
    )
    for row, value in enumerate(found):
        keep = screen.kept(row)
        x = screen.predicted[row] - own - screen.additive[row]
        y = screen.observed[row] - screen.control - screen.additive[row]
        np.testing.assert_allclose(value, stats.pearsonr(x[keep], y[keep]).statistic, atol=1e-12)


def test_no_change_is_rewarded_even_for_noise():
    """Observed doubles that are additive but for noise in the singles: doing nothing correlates all the same."""
    rng = np.random.default_rng(0)
    true, noise = rng.normal(size=(2, 40, 300))
    found = rho_nonadd(np.zeros((40, 300)), true, control=np.zeros(300), additive_shift=true + noise)
    assert found.mean() == pytest.approx(np.sqrt(0.5), abs=0.02)


def test_additive_prediction_is_undefined_not_zero(screen):
    found = rho_nonadd(
        screen.control + screen.additive, screen.observed, control=screen.control, additive_shift=screen.additive
    )
    assert np.isnan(found).all()


def test_no_change_on_real_pairs_comes_close_to_what_the_paper_reports(shared_data):
    """0.44 for predicting nothing, on 22 pairs; the paper's network has 0.492 on its 129."""
    import anndata as ad

    adata = ad.read_h5ad(shared_data / "norman2019_pseudobulk" / "norman2019_pseudobulk.h5ad")
    states = dict(zip(adata.obs["perturbation"], np.asarray(adata.X, dtype=float), strict=True))
    control, genes = states["control"], list(adata.var_names)
    pairs = [p for p in states if p.count("+") == 1 and all(g in states and g in genes for g in p.split("+"))]
    additive = [sum(states[g] - control for g in pair.split("+")) for pair in pairs]
    exclude = np.array([np.isin(genes, pair.split("+")) for pair in pairs])
    found = rho_nonadd(
        np.tile(control, (len(pairs), 1)),
        np.array([states[p] for p in pairs]),
        control=control,
        additive_shift=np.array(additive),
        exclude=exclude,
    )
    assert found.mean() == pytest.approx(0.4428, abs=1e-3)
    assert len(pairs) == 22
