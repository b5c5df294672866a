import numpy as np
import scipy.optimize

from scclamp.predictors import ScaledAdditive


def test_scale_is_least_squares_over_free_genes(screen, means):
    c = means["control"]
    sums = {"A+B": (0, 1), "A+U": (0,), "B+C+D": (1, 2, 3)}
    x, y = [], []
    for name, clamped in sums.items():
        x.append(np.delete(sum(means[g] - c for g in name.split("+")), clamped))
        y.append(np.delete(means[name] - c, clamped))
    x, y = np.concatenate(x), np.concatenate(y)
    best = scipy.optimize.minimize_scalar(lambda k: ((k * x - y) ** 2).sum()).x
    predictor = ScaledAdditive().fit(screen)
    np.testing.assert_allclose(predictor.learned["scale"], best, rtol=1e-6)
    pair, single = predictor.predict([("C", "D"), ("C",)])
    np.testing.assert_allclose(pair, c + best * (means["C"] + means["D"] - 2 * c), rtol=1e-6)
    np.testing.assert_allclose(single, means["C"])


def test_scale_can_be_given(singles, means):
    c = means["control"]
    (pair,) = ScaledAdditive(scale=0.5).fit(singles).predict([("A", "B")])
    np.testing.assert_allclose(pair, c + 0.5 * (means["A"] + means["B"] - 2 * c))
