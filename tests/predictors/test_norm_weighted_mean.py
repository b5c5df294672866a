import dataclasses

import numpy as np

from scclamp.predictors import NormWeightedMean


def test_stronger_genes_count_more(singles, means):
    c, a, u = means["control"], means["A"] - means["control"], means["U"] - means["control"]
    weight_a, weight_u = np.linalg.norm(a[1:]), np.linalg.norm(u)
    expected = c + (weight_a * a + weight_u * u) / (weight_a + weight_u)
    np.testing.assert_allclose(NormWeightedMean().fit(singles).predict([("A", "U")])[0], expected)
    np.testing.assert_allclose(NormWeightedMean().fit(singles).predict([("C",)])[0], means["C"])


def test_genes_without_any_effect_predict_the_control(singles):
    still = dataclasses.replace(singles, train_mean=np.repeat(singles.train_mean[:1], singles.n_conditions, 0))
    np.testing.assert_array_equal(NormWeightedMean().fit(still).predict([("A", "B")])[0], singles.train_mean[0])
