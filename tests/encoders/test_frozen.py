"""What lenses of trained models share."""

import numpy as np
import pytest
import torch

from scclamp._errors import InputError
from scclamp.encoders import Encoder, placement
from scclamp.encoders._frozen import Frozen
from scclamp.encoders._genes import map_genes

GENES = ("A", "B", "C", "D")


class Lens(Frozen[torch.nn.Linear]):
    name = "toy"


@pytest.fixture
def lens():
    torch.manual_seed(0)
    layer = torch.nn.Linear(4, 2)
    layer.train()
    return Lens(layer, map_genes(GENES, {"D": 0, "B": 1, "A": 2}), batch_size=3)


def test_is_an_encoder_that_neither_trains_nor_learns(lens):
    assert isinstance(lens, Encoder)
    assert (lens.affine, lens.input, lens.batch_size) == (False, "log", 3)
    assert not lens.function.training
    assert not any(parameter.requires_grad for parameter in lens.function.parameters())


def test_states_come_back_where_and_as_precise_as_they_were(lens):
    x = torch.rand(2, 5, 4, dtype=torch.float64, requires_grad=True)
    found = lens.encode(x)
    assert (found.dtype, found.shape, placement(lens)[0]) == (torch.float64, (2, 5, 2), torch.float32)
    weight, bias = (each.detach().double().numpy() for each in lens.function.parameters())
    np.testing.assert_allclose(found.detach(), x.detach().numpy() @ weight.T + bias, atol=1e-6)
    found.sum().backward()
    np.testing.assert_allclose(x.grad, np.broadcast_to(weight.sum(0), x.shape), atol=1e-6)


def test_batches_are_as_large_as_asked(lens):
    sizes = []
    lens._in_batches(lambda part: sizes.append(len(part)) or part[:, :1], torch.zeros(8, 4))
    assert sizes == [3, 3, 2]
    with pytest.raises(InputError, match="batch_size=0"):
        Lens(torch.nn.Linear(4, 2), lens.mapping, batch_size=0)


def test_unknown_genes_have_no_vector(lens):
    table = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    found = lens._over_panel(table)
    np.testing.assert_array_equal(found, [[1, 2], [3, 4], [np.nan, np.nan], [5, 6]])
    assert found.dtype == np.float64


def test_weights_decide_the_fingerprint(lens):
    before = lens.fingerprint()
    lens.function.weight[0, 0] += 1e-3
    assert lens.fingerprint() != before
    lens.function.weight[0, 0] -= 1e-3
    lens.name = "other"
    assert lens.fingerprint() != before
