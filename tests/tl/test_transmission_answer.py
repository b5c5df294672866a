"""Answers of one encoder in one basis, against sums over cells and directions that are written out."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from scclamp._errors import InputError
from scclamp.encoders import as_encoder
from scclamp.tl._transmission_answer import Answer
from scclamp.tl._transmission_bases import Basis
from scclamp.tl._transmission_controls import Controls
from scclamp.tl._transmission_null import Shuffled

GENES, PER_SEED, SEEDS = 5, 3, 2
NAMES = ["A", "B", "C"]


def orthonormal(rng, k):
    return np.linalg.qr(rng.normal(size=(GENES, k)))[0].T


@pytest.fixture
def asked():
    """A curved encoder, a basis, and all else that an answer needs."""
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(GENES, 4))
    rows = rng.uniform(0, 2, size=(SEEDS * PER_SEED, GENES))
    shifts = rng.normal(size=(len(NAMES), GENES))
    shifts[2] = 0
    noise = 0.1 * rng.normal(size=(2, GENES))
    return SimpleNamespace(
        encode=lambda x: torch.tanh(x @ torch.as_tensor(matrix).to(x) / 3),
        controls=Controls(rows, np.arange(len(rows)), PER_SEED, by_chance=True),
        basis=Basis("gamma", orthonormal(rng, 2), 1.5),
        shifts=shifts,
        shuffled=Shuffled(noise, orthonormal(rng, 2)),
    )


def answer(asked, **other):
    given = {"controls": asked.controls, "basis": asked.basis} | other
    lens = given.pop("encoder", None) or as_encoder(asked.encode, name="curved")
    return Answer.of(
        "curved", lens, given["basis"], given["controls"], NAMES, asked.shifts, asked.shuffled, True, batch_size=4
    )


def moved(asked, cell, direction, length):
    """How far the answer moves when one cell moves, as a share."""
    x = torch.as_tensor(asked.controls.rows[cell])
    step = length * torch.as_tensor(direction)
    return torch.linalg.vector_norm(asked.encode(x + step) - asked.encode(x)).item() / length


def by_hand(asked, directions):
    """Transmission (cells, directions), cell by cell."""
    n = len(asked.controls.rows)
    return np.array([[moved(asked, i, v, asked.basis.scale) for v in directions] for i in range(n)])


def by_draw(t):
    """Means over the cells of each draw."""
    return [t[:PER_SEED].mean(0), t[PER_SEED:].mean(0)]


def energy(shifts, directions):
    """Squares of the coordinates (shifts, directions)."""
    return np.array([[sum(s * v) ** 2 for v in directions] for s in shifts])


def test_transmission_is_measured_at_each_cell(asked):
    found = answer(asked)
    t = by_hand(asked, asked.basis.directions)
    np.testing.assert_allclose(found.t, t, rtol=1e-6)
    np.testing.assert_allclose(found.noise, by_hand(asked, asked.shuffled.directions), rtol=1e-6)
    np.testing.assert_allclose(found.by_seed, by_draw(t), rtol=1e-6)
    small = [np.mean([moved(asked, i, v, 1e-5) for i in range(len(t))]) for v in asked.basis.directions]
    np.testing.assert_allclose(found.small, small, rtol=1e-4)
    for name, shift, direct in zip(NAMES, asked.shifts, found.direct, strict=True):
        if name == "C":
            assert np.isnan(direct), "it moves nothing"
        else:
            length = np.linalg.norm(shift)
            alone = np.mean([moved(asked, i, shift / length, length) for i in range(len(t))])
            assert direct == pytest.approx(alone, rel=1e-6)


def test_summary_weighs_squares_by_the_energy_of_the_shifts(asked):
    t, noise = (by_hand(asked, v) for v in (asked.basis.directions, asked.shuffled.directions))
    each = energy(asked.shifts, asked.basis.directions)
    seeds = by_draw(t)
    fractions = [(each.sum(0) * seed**2).sum() / each.sum() for seed in seeds]
    taken = np.array([[1.0, 1, 1], [2, 1, 0], [0, 3, 0], [3, 0, 0]])
    cells = np.eye(len(t))[:4]
    row = answer(asked).summary(taken, cells)
    assert (row["encoder"], row["basis"], row["n_directions"]) == ("curved", "gamma", 2)
    assert row["preserved"] == pytest.approx(np.mean(fractions), rel=1e-6)
    assert row["sd"] == pytest.approx(abs(fractions[0] - fractions[1]) / np.sqrt(2), rel=1e-6)
    resampled = [(w @ each * t[i] ** 2).sum() / (w @ each).sum() for i, w in enumerate(taken)]
    assert [row["low"], row["high"]] == pytest.approx(np.quantile(resampled, [0.025, 0.975]).tolist(), rel=1e-6)
    pairs = zip(seeds, by_draw(noise), strict=True)
    shares = [f / max(*seed, *other) ** 2 for f, (seed, other) in zip(fractions, pairs, strict=True)]
    assert row["relative"] == pytest.approx(np.mean(shares), rel=1e-6)
    of_noise = energy(asked.shuffled.shifts, asked.shuffled.directions).sum(0)
    null = [(of_noise * n**2).sum() / of_noise.sum() for n in by_draw(noise)]
    assert row["null"] == pytest.approx(np.mean(null), rel=1e-6)
    assert row["coverage"] == pytest.approx(each.sum() / (asked.shifts**2).sum(), rel=1e-9)


def test_tables_have_a_row_for_each_direction_and_each_perturbation(asked):
    found = answer(asked)
    t = by_hand(asked, asked.basis.directions)
    seeds = np.array(by_draw(t))
    each = energy(asked.shifts, asked.basis.directions)
    components = found.components()
    np.testing.assert_allclose(components["weight"], each.sum(0) / each.sum(), rtol=1e-9)
    np.testing.assert_allclose(components["t"], seeds.mean(0), rtol=1e-6)
    np.testing.assert_allclose(components["sd"], abs(seeds[0] - seeds[1]) / np.sqrt(2), rtol=1e-5)
    regulators = found.regulators().set_index("regulator")
    np.testing.assert_allclose(regulators["shift"], np.linalg.norm(asked.shifts, axis=1))
    for name, w in zip("AB", each, strict=False):
        alone = np.mean([(w * seed**2).sum() / w.sum() for seed in seeds])
        assert regulators.loc[name, "preserved"] == pytest.approx(alone, rel=1e-6)
    assert np.isnan(regulators.loc["C", ["preserved", "direct"]].astype(float)).all()


def test_the_null_of_control_cells_is_in_their_own_basis(asked):
    alpha = Basis("alpha", asked.basis.directions, asked.basis.scale)
    t = by_hand(asked, alpha.directions)
    weight = energy(asked.shuffled.shifts, alpha.directions).sum(0)
    null = [(weight * seed**2).sum() / weight.sum() for seed in by_draw(t)]
    row = answer(asked, basis=alpha).summary(np.ones((2, 3)), np.eye(len(t))[:2])
    assert row["null"] == pytest.approx(np.mean(null), rel=1e-6)


def test_draws_of_all_cells_have_no_spread(asked):
    all_of_them = Controls(asked.controls.rows, asked.controls.which, PER_SEED, by_chance=False)
    found = answer(asked, controls=all_of_them)
    assert np.isnan(found.summary(np.ones((2, 3)), np.eye(6)[:2])["sd"])
    assert np.isnan(found.components()["sd"]).all()


def test_an_affine_encoder_is_asked_once(asked):
    seen = []

    def half(x):
        seen.append(len(x))
        return x / 2

    found = answer(asked, encoder=as_encoder(half, name="half", affine=True))
    assert found.t.shape == (SEEDS * PER_SEED, 2)
    np.testing.assert_allclose(found.t, 0.5, rtol=1e-12)
    assert max(seen) < len(asked.controls.rows)


def test_answers_that_are_no_numbers_are_named(asked):
    with pytest.raises(InputError, match=r"encoder='curved' gives NaN or infinity .* moved by 1\.5"):
        answer(asked, encoder=as_encoder(lambda x: torch.log(x - 1), name="log"))
