"""States a few at a time are the states at once, in values, gradients, shape, place and precision."""

import pytest
import torch

from scclamp._errors import InputError
from scclamp.encoders._batches import in_batches

W = torch.tensor([[1.0, 2.0], [-1.0, 0.5], [3.0, 0.0]], dtype=torch.float64)


def through(x, batch_size, seen):
    def function(part):
        seen.append(len(part))
        return (part @ W).tanh()

    return in_batches(function, x, W, name="mine", n_genes=3, batch_size=batch_size)


def states(*shape):
    return torch.randn(*shape, 3, generator=torch.Generator().manual_seed(0))


def test_batches_change_nothing_and_are_computed_once_more_for_gradients():
    x = states(5)
    expected = (x.double() @ W).tanh().float()
    for batch_size, parts in ((None, [5]), (5, [5]), (2, [2, 2, 1])):
        seen = []
        found = through(x, batch_size, seen)
        torch.testing.assert_close(found, expected)
        assert (found.dtype, seen) == (torch.float32, parts)
        y, again = x.clone().requires_grad_(), []
        (gradient,) = torch.autograd.grad(through(y, batch_size, again).square().sum(), y)
        torch.testing.assert_close(gradient, (2 * (1 - expected**2) * expected) @ W.float().T)
        assert sorted(again) == sorted(parts * (1 if len(parts) == 1 else 2))


def test_shapes_are_kept():
    x = states(2, 4)
    torch.testing.assert_close(through(x, 3, []).reshape(8, 2), through(x.reshape(8, 3), None, []))
    assert through(x[0, 0], 3, []).shape == (2,)
    assert through(x[:0], 3, []).shape == (0, 4, 2)


def test_another_panel_is_named():
    with pytest.raises(InputError, match="x has 2 genes, but encoder='mine' was made for 3"):
        through(states(4)[:, :2], 2, [])
