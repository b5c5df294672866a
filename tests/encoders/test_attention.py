import pytest
import torch

from scclamp.encoders._attention import attend


def plain(q, k, v, mask):
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    return scores.masked_fill(~mask, -torch.inf).softmax(-1) @ v


@pytest.fixture
def parts():
    generator = torch.Generator().manual_seed(0)
    q, k, v, t = torch.randn(4, 2, 3, 5, 4, dtype=torch.float64, generator=generator)
    return q, k, v, t, torch.rand(2, 1, 1, 5, generator=generator) > 0.3


def test_same_as_the_formula(parts):
    q, k, v, _, mask = parts
    torch.testing.assert_close(attend(q, k, v, mask), plain(q, k, v, mask))
    torch.testing.assert_close(attend(q, k, v), plain(q, k, v, torch.ones(5, 5, dtype=torch.bool)))


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:FutureWarning")
@pytest.mark.parametrize("at", [0, 1, 2])
def test_forward_mode_in_each_part(parts, at):
    *inputs, t, mask = parts

    def along(function):
        moved = [*inputs]

        def f(x):
            moved[at] = x
            return function(*moved, mask)

        return torch.func.jvp(f, (inputs[at],), (t,))[1]

    torch.testing.assert_close(along(attend), along(plain))
    eps = 1e-6
    ends = [attend(*(x + s * eps * t if i == at else x for i, x in enumerate(inputs)), mask) for s in (1, -1)]
    torch.testing.assert_close(along(attend), (ends[0] - ends[1]) / (2 * eps), rtol=1e-6, atol=1e-8)
