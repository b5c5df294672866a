"""decoupler's linear model on columns of weights, against a regression of scipy with the loop left out by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from scclamp.tl._enrich_libraries import Library
from scclamp.tl._enrich_ulm import add_ulm

pytest.importorskip("decoupler")
GENES, REGULATORS = 40, ["A", "B"]


@pytest.fixture
def result():
    weights = np.random.default_rng(0).normal(size=(GENES, 2)).astype(np.float32)
    return SimpleNamespace(
        A=weights, genes=[f"G{i}" for i in range(GENES)], regulators=REGULATORS, regulator_rows=np.array([4, -1])
    )


@pytest.fixture
def library():
    members = np.zeros((3, GENES), bool)
    members[0, :9], members[1, 5:20], members[2, :3] = True, True, True
    return Library("lib", ("first", "second", "small"), members)


def rows(*terms):
    return pd.DataFrame([(name, term) for name in REGULATORS for term in terms], columns=["regulator", "term"])


def by_hand(result, library, regulator, term):
    """Slope of the weights on membership; the regulator's own gene stands at the mean of the others."""
    j = REGULATORS.index(regulator)
    weights, own = result.A[:, j].astype(float), result.regulator_rows[j]
    if own >= 0:
        weights[own] = np.mean([value for i, value in enumerate(weights) if i != own])
    return stats.linregress(library.members[library.terms.index(term)].astype(float), weights)


def test_t_is_that_of_a_regression_on_membership(result, library):
    found = add_ulm(rows("first", "second"), library, result, np.array([0, 1]), 5)
    for row in found.itertuples():
        fit = by_hand(result, library, row.regulator, row.term)
        assert row.ulm == pytest.approx(fit.slope / fit.stderr, rel=1e-4)
        assert row.p_ulm == pytest.approx(fit.pvalue, rel=1e-3)
        assert row.p_ulm_adjusted == pytest.approx(min(1, 3 * fit.pvalue), rel=1e-3)


def test_sets_that_are_too_small_have_no_slope(result, library):
    found = add_ulm(rows("small", "first"), library, result, np.array([0, 1]), 5).set_index("term")
    assert found.loc["small", ["ulm", "p_ulm", "p_ulm_adjusted"]].isna().all(axis=None)
    assert found.loc["first", "ulm"].notna().all()
    nothing = add_ulm(rows("first"), library, result, np.array([0, 1]), 30)
    assert nothing["ulm"].isna().all()


def test_a_network_weighs_by_its_signs_and_adjusts_for_nothing(result):
    signs = np.zeros((1, GENES), int)
    signs[0, :6], signs[0, 6:12] = 1, -1
    network = Library("net", ("A",), signs != 0, signs)
    found = add_ulm(rows("A").iloc[:1], network, result, np.array([0]), 5).iloc[0]
    weights = result.A[:, 0].astype(float)
    weights[4] = np.delete(weights, 4).mean()
    fit = stats.linregress(signs[0], weights)
    assert found["ulm"] == pytest.approx(fit.slope / fit.stderr, rel=1e-4)
    assert found["p_ulm_adjusted"] == found["p_ulm"] == pytest.approx(fit.pvalue, rel=1e-3)
