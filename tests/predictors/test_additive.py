import numpy as np

from scclamp.predictors import Additive


def test_shifts_add_up(singles, means):
    pair, triple, single = Additive().fit(singles).predict([("A", "U"), ("B", "C", "D"), ("C",)])
    c = means["control"]
    np.testing.assert_allclose(pair, means["A"] + means["U"] - c)
    np.testing.assert_allclose(triple, means["B"] + means["C"] + means["D"] - 2 * c)
    np.testing.assert_allclose(single, means["C"])


def test_norman_reference(norman, reference):
    """Mean r over the 62 doubles without clamped genes, in log2 fold changes: 0.684."""
    r, _ = reference(Additive().fit(norman.select(norman.singles)))
    np.testing.assert_allclose(r, 0.684, atol=5e-4)
