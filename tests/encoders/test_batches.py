"""States a few at a time are the states at once, in values, gradients, shape, place and precision."""

import pytest
import torch

from scclamp._errors import InputError
from scclamp.encoders import _batches as batches
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


@pytest.fixture
def grows(monkeypatch):
    """Larger batches on the CPU too, so that they are seen without a device."""
    monkeypatch.setattr(batches, "_GROWS", ("cuda", "cpu"))


def test_batches_double_where_no_gradients_are_wanted(grows):
    x, seen = states(100), []
    torch.testing.assert_close(through(x, 2, seen), (x.double() @ W).tanh().float())
    assert seen == [2, 4, 8, 16, 32, 38]
    seen.clear()
    through(states(200), 1, seen)
    assert max(seen) == batches.LARGEST
    y, again = x.clone().requires_grad_(), []
    through(y, 20, again).sum().backward()
    assert again == [20] * 10
    with torch.no_grad():
        through(y, 20, without := [])
    assert without == [20, 40, 40]


def test_batches_that_do_not_fit_are_cut_and_stay_so(grows):
    x, seen = states(60), []

    def function(part):
        seen.append(len(part))
        if len(part) > 10:
            raise torch.OutOfMemoryError
        return part @ W

    found = in_batches(function, x, W, name="mine", n_genes=3, batch_size=3)
    torch.testing.assert_close(found, (x.double() @ W).float())
    assert seen == [3, 6, 12] + [6] * 8 + [3]
    with pytest.raises(torch.OutOfMemoryError):
        in_batches(function, x, W, name="mine", n_genes=3, batch_size=11)


def test_nothing_grows_on_the_cpu_or_where_batches_matter(monkeypatch):
    seen = []
    through(states(9), 2, seen)
    monkeypatch.setattr(batches, "_GROWS", ("cpu",))
    in_batches(
        lambda part: seen.append(len(part)) or part, states(9), W, name="mine", n_genes=3, batch_size=2, grow=False
    )
    assert seen == [2, 2, 2, 2, 1] * 2


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_device_takes_larger_batches_until_its_memory_ends():
    free, _ = torch.cuda.mem_get_info()
    seen = []

    def function(part):
        seen.append(len(part))
        # A twentieth of what is free for each state.
        torch.empty((len(part), free // 20), dtype=torch.uint8, device="cuda")
        return part @ W.cuda()

    x = states(64).cuda()
    found = in_batches(function, x, W.cuda(), name="mine", n_genes=3, batch_size=1)
    torch.testing.assert_close(found, (x.double() @ W.cuda()).float())
    assert 32 in seen
    assert max(seen[seen.index(32) + 1 :]) == 16
