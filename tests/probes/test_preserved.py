"""Equation 8 of the paper, summed up by hand."""

import numpy as np

from scclamp.probes import captured, preserved, regulatory_weight


def test_weights_split_the_energy_of_each_shift_among_orthonormal_directions():
    rng = np.random.default_rng(0)
    shifts, V = rng.normal(size=(4, 6)), np.linalg.qr(rng.normal(size=(6, 6)))[0]
    found = regulatory_weight(shifts, V)
    for j in range(4):
        for k in range(6):
            np.testing.assert_allclose(found[j, k], sum(shifts[j, g] * V[k, g] for g in range(6)) ** 2)
    np.testing.assert_allclose(found.sum(1), (shifts**2).sum(1))


def test_fraction_and_its_course():
    rng = np.random.default_rng(1)
    w, t = rng.random(5), rng.random(5)
    np.testing.assert_allclose(preserved(w, t), sum(w[k] * t[k] ** 2 for k in range(5)) / sum(w))
    np.testing.assert_allclose(captured(w, t), [sum(w[: k + 1] * t[: k + 1] ** 2) / sum(w) for k in range(5)])
    assert captured(w, t)[-1] == preserved(w, t)
    np.testing.assert_allclose(preserved(w, 3 * t), 9 * preserved(w, t))
    assert preserved(w, np.ones(5)) == 1
    np.testing.assert_allclose(preserved(np.stack([w, 2 * w]), np.stack([t, t])), [preserved(w, t)] * 2)


def test_no_weight_has_no_fraction():
    assert np.isnan(preserved(np.zeros(3), np.ones(3)))
    assert np.isnan(captured(np.zeros((2, 3)), np.ones((2, 3)))).all()
