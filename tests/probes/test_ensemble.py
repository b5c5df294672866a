"""Means of logits and of standard scores, by scipy."""

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import zscore

from scclamp._errors import InputError
from scclamp.probes import mean_logit, standardised_mean

P = np.random.default_rng(0).random((3, 4, 5))


def test_mean_of_logits():
    np.testing.assert_allclose(mean_logit(list(P)), expit(logit(P).mean(0)), rtol=1e-12)


def test_certainty_survives():
    found = mean_logit([[1.0, 0.0, 1.0, 1e-300], [0.5, 0.5, 0.0, 1e-300]])
    np.testing.assert_allclose(found, [1, 0, np.nan, 1e-300], rtol=1e-9)


def test_mean_of_standard_scores():
    found = standardised_mean([P[0], 100 * P[1] + 7])
    np.testing.assert_allclose(found, (zscore(P[0], axis=None) + zscore(P[1], axis=None)) / 2, rtol=1e-12)
    np.testing.assert_allclose(standardised_mean([P[0], np.ones_like(P[0])]), zscore(P[0], axis=None) / 2, rtol=1e-12)


@pytest.mark.parametrize("combine", [mean_logit, standardised_mean])
@pytest.mark.parametrize("given", [[], [[0.1], [0.1, 0.2]], [[0.1, np.nan]], [[]]])
def test_what_cannot_be_combined_is_refused(combine, given):
    with pytest.raises(InputError):
        combine(given)


def test_scores_are_no_probabilities():
    with pytest.raises(InputError, match="standardised_mean"):
        mean_logit([[1.5]])
