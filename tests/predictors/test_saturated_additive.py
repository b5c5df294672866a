import numpy as np
import pytest

from scclamp._errors import InputError
from scclamp.predictors import SaturatedAdditive
from scclamp.predictors._saturated_additive import LIMITS


def test_sums_saturate_and_singles_do_not(singles, means):
    c = means["control"]
    pair, single = SaturatedAdditive(penalty=0, limit=0.7).fit(singles).predict([("A", "U"), ("C",)])
    np.testing.assert_allclose(pair, c + 0.7 * np.tanh((means["A"] + means["U"] - 2 * c) / 0.7))
    np.testing.assert_allclose(single, means["C"])


def test_limit_is_fitted_to_combinations(screen, singles, means):
    c = means["control"]
    error = np.zeros(len(LIMITS))
    for name, clamped in {"A+B": (0, 1), "A+U": (0,), "B+C+D": (1, 2, 3)}.items():
        total = np.delete(sum(means[g] - c for g in name.split("+")), clamped)
        observed = np.delete(means[name] - c, clamped)
        error += [((t * np.tanh(total / t) - observed) ** 2).sum() for t in LIMITS]
    predictor = SaturatedAdditive(penalty=0, limit=None).fit(screen)
    assert predictor.needs_combinations
    assert predictor.learned == {"penalty": 0.0, "limit": LIMITS[error.argmin()]}
    with pytest.raises(InputError, match=r"fits its limit to combinations that train.*SaturatedAdditive\(limit=1\.0\)"):
        SaturatedAdditive(limit=None).fit(singles)


@pytest.mark.parametrize("limit", [0, -1.0, float("nan")])
def test_other_limits_are_refused(limit):
    with pytest.raises(InputError, match="limit="):
        SaturatedAdditive(limit=limit)


def test_norman_reference(norman, reference):
    """Mean r over the 62 doubles without clamped genes, shrunken sums through 2 tanh(x / 2) in log2: 0.705."""
    r, _ = reference(SaturatedAdditive(penalty=100, limit=2.0).fit(norman.select(norman.singles)))
    np.testing.assert_allclose(r, 0.705, atol=5e-4)
