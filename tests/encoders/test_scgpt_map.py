"""What scGPT is given for states of a panel, seen by a model that only writes it down."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from scclamp._errors import InputError
from scclamp.encoders._genes import map_genes
from scclamp.encoders._scgpt_map import ScGPTMap

GENES = ["A", "B", "C", "D", "E", "F", "G", "H", "X"]
# X is unknown, and tokens stand in another order than genes.
VOCABULARY = {"H": 2, "B": 3, "A": 4, "C": 5, "D": 6, "G": 7, "F": 8, "E": 9}
CELL, PAD, MASK = 1, -2, -1


class Recorder(nn.Module):
    """Hidden states (cells, tokens, 2) are the token and twice the value."""

    decoder = None

    def forward(self, tokens, values, present):
        self.tokens, self.values, self.present = tokens, values, present
        return torch.stack([tokens.to(values).expand_as(values), 2 * values], -1)


@pytest.fixture
def make():
    def make(head=False, **other):
        settings = {"temperature": 0.0, "zeros": True, "normalise": False} | other
        config = SimpleNamespace(n_bins=4, pad_value=PAD, mask_value=MASK)
        model = Recorder()
        if head:
            model.decoder = lambda states: states[..., 1] / 2
        return ScGPTMap(model, config, map_genes(GENES, VOCABULARY), cell=CELL, **settings)

    return make


@pytest.fixture
def x():
    return torch.tensor([[0.0, 3.0, 1.0, 2.0, 4.0, 0.0, 5.0, 6.0, 9.0], [7.0, 0.0, 1.0, 2.0, 0.0, 3.0, 4.0, 5.0, 1.0]])


def bins(row):
    """Quantile bins among the genes that are not zero, as scGPT defines them."""
    known = row.numpy()[:8]
    edges = np.quantile(known[known > 0], np.linspace(0, 1, 3))
    return np.where(known > 0, np.digitize(known, edges), 0)


def test_the_model_reads_the_cell_and_then_every_known_gene(make, x):
    lens = make()
    cell = lens(x)
    assert lens.model.tokens.tolist() == [CELL, *(VOCABULARY[gene] for gene in GENES[:8])]
    np.testing.assert_array_equal(lens.model.values, [[PAD, *bins(row)] for row in x])
    assert lens.model.present is None
    np.testing.assert_array_equal(cell, [[CELL, 2 * PAD]] * 2)


def test_genes_at_zero_may_be_left_out_but_never_the_cell(make, x):
    lens = make(zeros=False)
    lens(x)
    np.testing.assert_array_equal(lens.model.present, [[True, *(row[:8] > 0).tolist()] for row in x])


def test_embeddings_may_have_length_one(make, x):
    plain, unit = make()(x), make(normalise=True)(x)
    torch.testing.assert_close(unit, plain / np.hypot(CELL, 2 * PAD))


def test_what_is_read_stands_at_its_gene(make, x):
    found = make(head=True).reconstruct(x)
    np.testing.assert_array_equal(found[:, :8], [bins(row) for row in x])
    assert found[:, 8].isnan().all(), "the model does not know it"
    some = make(head=True, zeros=False).reconstruct(x)
    np.testing.assert_array_equal(some[:, :8].isnan(), x[:, :8] == 0)


def test_hidden_genes_are_masked(make, x):
    hidden = torch.zeros(len(GENES), dtype=torch.bool)
    hidden[[1, 8]] = True
    lens = make(head=True)
    found = lens.reconstruct(x, hidden)
    np.testing.assert_array_equal(lens.model.values[:, 2], [MASK] * 2)
    others = [0, 2, 3, 4, 5, 6, 7]
    np.testing.assert_array_equal(found[:, others], np.array([bins(row) for row in x])[:, others])


def test_without_a_head_nothing_is_read(make, x):
    with pytest.raises(InputError, match="holds no expression head"):
        make().reconstruct(x)


def test_settings_that_decide_the_output_are_shown(make):
    assert make(zeros=False).extra_repr() == "n_bins=4, temperature=0.0, zeros=False, normalise=False"
