"""Effective rank by scipy's entropy, and where it is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.stats import ortho_group

from scclamp._errors import InputError
from scclamp.metrics import effective_rank

KINDS = ("entropy", "participation", "stable")


def test_against_scipy():
    weights = np.random.default_rng(0).normal(size=(50, 6)) @ np.diag([5.0, 3.0, 1.0, 0.5, 0.1, 0.0])
    eigenvalues = np.linalg.eigvalsh(weights.T @ weights).clip(0)
    assert effective_rank(weights) == pytest.approx(np.exp(stats.entropy(np.sqrt(eigenvalues))), rel=1e-5)
    participation = eigenvalues.sum() ** 2 / (eigenvalues**2).sum()
    assert effective_rank(weights, kind="participation") == pytest.approx(participation)
    assert effective_rank(weights, kind="stable") == pytest.approx(eigenvalues.sum() / eigenvalues.max())


@pytest.mark.parametrize("kind", KINDS)
def test_where_it_is_known(kind):
    rotation = ortho_group.rvs(8, random_state=0)
    assert effective_rank(1e-200 * rotation[:, :5], kind=kind) == pytest.approx(5)
    assert effective_rank(np.outer(rotation[0], [1.0, 2.0, 3.0]), kind=kind) == pytest.approx(1)
    assert np.isnan(effective_rank(np.zeros((3, 2)), kind=kind))


def test_order_of_the_definitions():
    weights = np.random.default_rng(1).normal(size=(40, 10))
    ranks = [effective_rank(weights, kind=kind) for kind in KINDS]
    assert ranks == sorted(ranks, reverse=True)


def test_unknown_kind():
    with pytest.raises(InputError, match="kind='renyi' is not known"):
        effective_rank(np.eye(2), kind="renyi")
