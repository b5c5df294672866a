"""Who is sent back, and to where."""

import pytest
import torch

from scclamp.fitting.lowest import UPHILL, Lowest


def _at(*values):
    return {"b": torch.tensor(values, dtype=torch.float64)[:, None]}


def _core(*values):
    return torch.tensor(values, dtype=torch.float64)[:, None, None]


def _follow(lowest, losses):
    """Feed one row of losses per epoch; the parameters of epoch e are e."""
    stuck = []
    for epoch, row in enumerate(losses):
        row = torch.tensor(row, dtype=torch.float64)
        stuck.append(lowest.update(row, _at(*[float(epoch)] * len(row)), _core(*[float(epoch)] * len(row))).tolist())
    return stuck


def test_each_member_waits_for_itself_and_keeps_its_lowest_point():
    lowest = Lowest(_at(-1.0, -1.0), patience=2)
    stuck = _follow(lowest, [(3.0, 3.0), (2.0, 3.1), (1.0, 3.2), (1.1, 2.0), (1.2, 1.9)])
    assert stuck == [[False, False], [False, False], [False, True], [False, False], [True, False]]
    assert lowest.parameters["b"].squeeze(1).tolist() == lowest.core.flatten().tolist() == [2.0, 4.0]
    assert lowest.loss.tolist() == [1.0, 1.9]


def test_waiting_starts_anew_after_a_return():
    stuck = _follow(Lowest(_at(0.0), patience=2), [(1.0,), (1.5,), (1.5,), (1.5,), (1.5,)])
    assert stuck == [[False], [False], [True], [False], [True]]


@pytest.mark.parametrize(("factor", "back"), [(0.99, False), (1.01, True)])
def test_far_uphill_is_sent_back_at_once(factor, back):
    assert _follow(Lowest(_at(0.0), patience=100), [(1.0,), (factor * UPHILL,)]) == [[False], [back]]


def test_no_patience_never_sends_back():
    lowest = Lowest(_at(0.0), patience=0)
    assert _follow(lowest, [(1.0,), (100.0,), (100.0,)]) == [[False]] * 3
    assert lowest.core is None


def test_state_goes_on():
    losses = [(3.0,), (2.0,), (2.5,), (2.6,), (2.7,)]
    whole, first = Lowest(_at(0.0), patience=3), Lowest(_at(0.0), patience=3)
    expected = _follow(whole, losses)
    found = _follow(first, losses[:3])
    second = Lowest(_at(9.0), patience=3)
    second.load_state(first.state())
    assert found + _follow(second, losses[3:]) == expected
    assert expected[-1] == [True]
    assert second.parameters["b"].item() == 1.0
