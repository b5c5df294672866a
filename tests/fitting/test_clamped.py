"""A fitted network that is asked, against its own equation and the law written out."""

import itertools

import numpy as np
import pytest
import torch

from scclamp.fitting import FitConfig
from scclamp.fitting.clamped import ClampedNetwork
from scclamp.physics import Network

GENES, ROWS = 6, (0, 1, 2, -1)
DOSES = np.array([2.0, 0.5, 1.5, 1.0])
LAW = FitConfig(crowding=0.3, interaction=0.4)
BARE = FitConfig(crowding=0.0, interaction=1.0)


@pytest.fixture
def network():
    rng = np.random.default_rng(0)
    network = Network(n_genes=GENES, rows=torch.tensor(ROWS), batch_shape=(1,)).double().requires_grad_(False)
    network.b.copy_(torch.as_tensor(rng.uniform(0.9, 1.5, GENES)))
    network.A.copy_(torch.as_tensor(rng.uniform(-0.3, 0.6, (GENES, len(ROWS)))))
    return network


def every_target(n):
    """Masks and values of all targets of up to n regulators, at doses of their own (targets, regulators)."""
    sets = [each for k in range(n + 1) for each in itertools.combinations(range(len(ROWS)), k)]
    mask = torch.zeros(len(sets), len(ROWS), dtype=torch.bool)
    for row, each in enumerate(sets):
        mask[row, list(each)] = True
    values = torch.as_tensor(np.random.default_rng(1).uniform(0.2, 2.0, mask.shape))
    return sets, mask, torch.where(mask, values, 0.0)


def settle(network, held):
    """Step `dx/dt = b + A h(x) - x`, positive here, with h(x) = x^2 / (1 + x^2) until nothing moves, in numpy."""
    A, b = network.A[0].numpy(), network.b[0].numpy()
    rows = np.array(ROWS)
    clamped = ~np.isnan(held) | (rows < 0)
    x = np.where(clamped, np.nan_to_num(held), 0.5)
    for _ in range(2000):
        made = b + A @ (x**2 / (1 + x**2))
        x = np.where(clamped, x, x + 0.1 * (made[rows] - x))
    measured = rows >= 0
    made[rows[measured]] = x[measured]
    return made


def state(network, genes, values):
    held = np.full(len(ROWS), np.nan)
    for gene in genes:
        held[gene] = values[gene]
    return settle(network, held)


def test_states_are_where_the_dynamics_come_to_rest(network):
    asked = ClampedNetwork(network, DOSES, BARE)
    sets, mask, values = every_target(3)
    control = state(network, (), DOSES)
    np.testing.assert_allclose(asked.control, control, atol=1e-8)
    found = asked.shifts(mask, values)
    assert found.sound.all()
    for genes, dose, shift in zip(sets, values, found.value, strict=True):
        np.testing.assert_allclose(shift, state(network, genes, dose) - control, atol=1e-7)


def test_combinations_follow_the_law(network):
    """Crowding and trust in interactions, from the module's own formula, term by term."""
    sets, mask, values = every_target(4)
    found = ClampedNetwork(network, DOSES, LAW).shifts(mask, values).value.numpy()
    control = state(network, (), DOSES)

    def single(gene, dose):
        shift = state(network, (gene,), {gene: dose}) - control
        others = [shift[i] ** 2 for i in range(GENES) if i != ROWS[gene]]
        return shift, np.sqrt(sum(others))

    typical = np.mean([single(gene, dose)[1] ** 2 for gene, dose in enumerate(DOSES)])
    for genes, dose, shift in zip(sets, values.numpy(), found, strict=True):
        own = state(network, genes, dose) - control
        if len(genes) > 1:
            singles = [single(gene, dose[gene]) for gene in genes]
            additive = sum(part for part, _ in singles)
            pairs = sum(a * b for (_, a), (_, b) in itertools.combinations(singles, 2))
            own = (additive + LAW.interaction * (own - additive)) / np.sqrt(1 + LAW.crowding * pairs / typical)
            for gene in genes:
                if ROWS[gene] >= 0:
                    own[ROWS[gene]] = dose[gene] - control[ROWS[gene]]
        np.testing.assert_allclose(shift, own, atol=1e-7)


def test_without_its_law_it_is_the_steady_state(network):
    _, mask, values = every_target(3)
    lawful = ClampedNetwork(network, DOSES, LAW)
    bare = lawful.without_law().shifts(mask, values).value
    assert torch.equal(bare, ClampedNetwork(network, DOSES, BARE).shifts(mask, values).value)
    assert not torch.equal(lawful.shifts(mask, values).value, bare), "the law of the first stays"


def test_chunks_change_no_answer(network):
    _, mask, values = every_target(3)
    asked = ClampedNetwork(network, DOSES, LAW)
    whole = asked.shifts(mask, values)
    asked.predictor.chunk_size = 2
    parts = asked.shifts(mask, values)
    torch.testing.assert_close(parts.value, whole.value, rtol=0, atol=1e-9)
    assert torch.equal(parts.sound, whole.sound)


def test_singles_say_what_each_does_to_others(network):
    asked = ClampedNetwork(network, DOSES, LAW)
    found = asked.singles(torch.tensor([2, 3, 2]), torch.tensor([0.7, 1.0, 0.1], dtype=torch.float64))
    control = state(network, (), DOSES)
    for at, (gene, dose) in enumerate([(2, 0.7), (3, 1.0), (2, 0.1)]):
        shift = state(network, (gene,), {gene: dose}) - control
        np.testing.assert_allclose(found.shift[at], shift, atol=1e-7)
        others = np.delete(shift, ROWS[gene]) if ROWS[gene] >= 0 else shift
        assert found.norms[at].item() == pytest.approx(np.linalg.norm(others), abs=1e-7)
    none = asked.singles(torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.float64))
    assert none.shift.shape == (0, GENES)


def test_a_part_that_cannot_be_trusted_takes_its_combinations_along(network, monkeypatch):
    asked = ClampedNetwork(network, DOSES, LAW)
    sets, mask, values = every_target(2)
    whole = asked.singles

    def first_is_lost(regulators, doses):
        found = whole(regulators, doses)
        return found._replace(sound=found.sound & (regulators != 0))

    monkeypatch.setattr(asked, "singles", first_is_lost)
    sound = asked.shifts(mask, values).sound.tolist()
    assert sound == [not (0 in genes and len(genes) > 1) for genes in sets]
