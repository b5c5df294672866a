import numpy as np

from scclamp.predictors import DenoisedAdditive, ScaledDenoisedAdditive


def test_scale_is_fitted_to_shrunken_sums(screen, means):
    targets = [("A", "B"), ("A", "U"), ("B", "C", "D")]
    c = means["control"]
    free = np.ones((3, 30))
    free[0, :2] = free[1, 0] = free[2, 1:4] = 0
    sums = (DenoisedAdditive(penalty=3.0).fit(screen).predict(targets) - c) * free
    observed = (np.stack([means["A+B"], means["A+U"], means["B+C+D"]]) - c) * free
    (scale,), *_ = np.linalg.lstsq(sums.reshape(-1, 1), observed.ravel())
    predictor = ScaledDenoisedAdditive(penalty=3.0).fit(screen)
    assert predictor.learned == {"penalty": 3.0, "scale": predictor.scale_}
    np.testing.assert_allclose(predictor.scale_, scale)
    (pair,) = predictor.predict([("C", "D")])
    (plain,) = DenoisedAdditive(penalty=3.0).fit(screen).predict([("C", "D")])
    np.testing.assert_allclose(pair, c + scale * (plain - c))


def test_singles_are_shrunken_and_not_scaled(screen):
    targets = [("A",), ("U",)]
    expected = DenoisedAdditive(penalty=3.0).fit(screen).predict(targets)
    np.testing.assert_array_equal(ScaledDenoisedAdditive(penalty=3.0).fit(screen).predict(targets), expected)
