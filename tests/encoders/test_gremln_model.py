"""Names and sizes of the released layout, and the network against torch's own transformer."""

import numpy as np
import pytest
import torch

from scclamp._errors import InputError
from scclamp.encoders._gremln_model import GREmLNModel, GREmLNSizes
from scclamp.encoders._weights import fit_state

SIZES = GREmLNSizes(n_tokens=20, n_ranks=12, d_gene=6, d_rank=10, d_hidden=24, n_layers=2, n_heads=4)


@pytest.fixture
def model():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return GREmLNModel(SIZES).double().eval().requires_grad_(False)


def released(n_layers):
    """Names in the released file."""
    names = ["gene_embedding.weight", "rank_embedding.weight"]
    parts = ["wqkv.Wqkv", "self_attention.out_proj", "ff.0", "ff.2", "ln1", "ln2"]
    stems = [f"transformer_encoder.{i}.{part}" for i in range(n_layers) for part in parts]
    stems += [f"rank_prediction_head.net.{i}" for i in (0, 1, 3)]
    return {*names, *(f"{stem}.{kind}" for stem in stems for kind in ("weight", "bias"))}


def test_names_are_the_released_ones(model):
    assert set(model.state_dict()) == released(2)
    assert GREmLNSizes.of(model.state_dict(), 4) == SIZES
    assert SIZES.n_bins == 9


def test_the_released_sizes_have_the_released_number_of_parameters():
    with torch.device("meta"):
        model = GREmLNModel(GREmLNSizes(19247, 103, 256, 256, 512, 3))
    # 10.3 million in the paper, which counts no biases of the head more or less.
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(10.0, abs=0.35)
    assert set(model.state_dict()) == released(3)


def test_layers_are_those_of_torch(model):
    rng = np.random.default_rng(0)
    tokens = torch.tensor([19, 3, 4, 9, 7])
    ranks = torch.as_tensor(rng.integers(0, 9, (3, 4)).astype(float))
    present = torch.as_tensor(rng.random((3, 4)) < 0.6)
    state = model.state_dict()
    genes = state["gene_embedding.weight"][tokens].expand(3, -1, -1)
    rank = state["rank_embedding.weight"][torch.cat([torch.full((3, 1), 11), ranks.long()], 1)]
    x = torch.cat([genes, rank], -1)
    hidden = torch.nn.functional.pad(~present, (1, 0), value=False)
    for i in range(2):
        layer = torch.nn.TransformerEncoderLayer(
            16, 4, 24, dropout=0.0, activation="gelu", batch_first=True, dtype=torch.float64
        )
        renames = {
            "wqkv.Wqkv.": "self_attn.in_proj_",
            "self_attention": "self_attn",
            "ff.0": "linear1",
            "ff.2": "linear2",
        }
        renames |= {"ln1": "norm1", "ln2": "norm2"}
        own = {}
        for name, value in state.items():
            if name.startswith(f"transformer_encoder.{i}."):
                for old, new in renames.items():
                    name = name.replace(old, new)
                own[name.removeprefix(f"transformer_encoder.{i}.")] = value
        layer.load_state_dict(own)
        x = layer(x, src_key_padding_mask=hidden)
    torch.testing.assert_close(model(tokens, ranks, present), x.detach(), atol=1e-10, rtol=0)


def test_ranks_between_two_are_on_the_line(model):
    tokens, present = torch.tensor([19, 3]), torch.ones(3, 1, dtype=torch.bool)
    table = model.rank_embedding.weight
    found = model._ranks(torch.tensor([[0.25], [7.5], [8.0]], dtype=torch.float64), None)[:, 1]
    wanted = torch.stack([0.75 * table[0] + 0.25 * table[1], (table[7] + table[8]) / 2, table[8]])
    torch.testing.assert_close(found, wanted)
    assert torch.equal(found[2], table[8])
    assert model(tokens, torch.full((3, 1), 0.5, dtype=torch.float64), present).shape == (3, 2, 16)


def test_a_masked_rank_is_that_of_the_mask_whatever_it_was(model):
    tokens, present = torch.tensor([19, 3, 4]), torch.ones(1, 2, dtype=torch.bool)
    masked = torch.tensor([[False, True]])

    def hidden(last, masked=None):
        return model(tokens, torch.tensor([[2.0, last]], dtype=torch.float64), present, masked=masked)

    assert not torch.equal(hidden(1.0), hidden(5.0))
    assert torch.equal(hidden(1.0, masked), hidden(5.0, masked))
    assert torch.equal(hidden(1.0, ~masked & masked), hidden(1.0))
    ranks = torch.tensor([[2.0, 1.0]], dtype=torch.float64)
    assert torch.equal(model._ranks(ranks, masked)[0], model.rank_embedding.weight[[11, 2, 10]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("rank_embedding.weight"), "'rank_embedding.weight' is missing"),
        (lambda s: s.update({"rank_embedding.weight": torch.zeros(5, 10)}), "has 5 rows"),
        (lambda s: s.update({"rank_embedding.weight": torch.zeros(12, 9)}), "n_heads=4 does not divide the width 15"),
    ],
)
def test_sizes_that_cannot_be_are_named(model, change, message):
    state = dict(model.state_dict())
    change(state)
    with pytest.raises(InputError, match=message):
        GREmLNSizes.of(state, 4)


def test_weights_that_do_not_fit_are_named(model):
    state = dict(model.state_dict())
    state.pop("transformer_encoder.1.ln2.bias")
    state["rank_prediction_head.net.1.weight"] = torch.zeros(3)
    state["gene_prediction_head.net.0.weight"] = torch.zeros(3)
    with pytest.raises(
        InputError, match=r"1\.ln2\.bias' is missing.*net\.1\.weight' is \(3,\).*net\.0\.weight' is left"
    ):
        fit_state(model, state)
