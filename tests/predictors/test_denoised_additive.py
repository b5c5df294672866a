import numpy as np
import pytest

from scclamp._errors import InputError
from scclamp.predictors import Additive, DenoisedAdditive


def test_shrunken_singles_add_up(singles, means):
    c = means["control"]
    M = np.stack([means[g] - c for g in "ABCDU"])
    gram = M.T @ M
    shrunken = M @ np.linalg.solve(gram + 3.0 * np.eye(len(gram)), gram)
    pair, single = DenoisedAdditive(penalty=3.0).fit(singles).predict([("B", "U"), ("C",)])
    np.testing.assert_allclose(pair, c + shrunken[1] + shrunken[4])
    np.testing.assert_allclose(single, c + shrunken[2])


def test_penalty_zero_is_the_sum(singles):
    targets = [("A", "B"), ("C",)]
    expected = Additive().fit(singles).predict(targets)
    np.testing.assert_array_equal(DenoisedAdditive(penalty=0).fit(singles).predict(targets), expected)


@pytest.mark.parametrize("penalty", [-1, float("nan"), float("inf")])
def test_other_penalties_are_refused(penalty):
    with pytest.raises(InputError, match="penalty="):
        DenoisedAdditive(penalty=penalty)


def test_norman_reference(norman, reference):
    """Mean r over the 62 doubles without clamped genes, in log2 fold changes, penalty 100: 0.718."""
    singles = norman.select(norman.singles)
    r, explained = reference(DenoisedAdditive(penalty=100).fit(singles))
    np.testing.assert_allclose(r, 0.718, atol=1e-3)
    r_chosen, explained_chosen = reference(DenoisedAdditive().fit(singles))
    r_plain, explained_plain = reference(Additive().fit(singles))
    assert r_plain + 0.02 < r_chosen
    assert explained_plain + 0.05 < explained_chosen < explained
