import numpy as np

from scclamp.predictors import MatchingMean


def test_is_the_mean_of_the_singles(singles, means):
    pair, triple, single = MatchingMean().fit(singles).predict([("A", "U"), ("B", "C", "D"), ("C",)])
    np.testing.assert_allclose(pair, (means["A"] + means["U"]) / 2)
    np.testing.assert_allclose(triple, (means["B"] + means["C"] + means["D"]) / 3)
    np.testing.assert_allclose(single, means["C"])
