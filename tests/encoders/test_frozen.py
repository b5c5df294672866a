import copy

import numpy as np
import pytest
import torch

from scclamp._errors import InputError
from scclamp.encoders._frozen import Frozen, placed
from scclamp.encoders._genes import GeneMapping

MAPPING = GeneMapping(("A", "B", "C"), np.array([1, -1, 0]), missing=("B",))


class Few(Frozen[torch.nn.Linear]):
    name = "few"


@pytest.fixture
def layer():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torch.nn.Linear(3, 2)


def test_the_model_is_frozen_and_states_keep_their_precision(layer):
    lens = Few(layer.train(), MAPPING, batch_size=2)
    assert not layer.training
    assert not any(p.requires_grad for p in layer.parameters())
    x = torch.arange(15.0, dtype=torch.float64).reshape(5, 3).requires_grad_()
    found = lens.encode(x)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, layer(x.float()).double())
    (slope,) = torch.autograd.grad(found.sum(), x)
    torch.testing.assert_close(slope, layer.weight.sum(0).double().expand(5, 3))


def test_the_fingerprint_follows_the_weights_and_genes_that_are_unknown_have_no_vector(layer):
    lens = Few(layer, MAPPING)
    other = copy.deepcopy(layer)
    with torch.no_grad():
        other.bias += 1
    assert lens.fingerprint() == Few(copy.deepcopy(layer), MAPPING).fingerprint() != Few(other, MAPPING).fingerprint()
    np.testing.assert_array_equal(lens._over_panel(torch.ones(2, 4)), [[1] * 4, [np.nan] * 4, [1] * 4])
    with pytest.raises(InputError, match="batch_size=0"):
        Few(layer, MAPPING, batch_size=0)


def test_batches_are_as_large_as_asked(layer):
    sizes = []
    Few(layer, MAPPING, batch_size=3)._in_batches(
        lambda part: sizes.append(len(part)) or part[:, :1], torch.zeros(8, 3)
    )
    assert sizes == [3, 3, 2]


@pytest.mark.filterwarnings("ignore:CUDA initialization")
def test_a_place_that_is_not_here_is_named(layer):
    with pytest.raises(InputError, match="device='cuda:99' cannot be used"):
        placed(layer, torch.float32, torch.device("cuda", 99))
    for dtype in (torch.int32, "float32"):
        with pytest.raises(InputError, match="is no floating precision of torch"):
            placed(layer, dtype, "cpu")
