"""The network against torch's own transformer layers, and its configuration."""

import pytest
import torch
from torch import nn

from scclamp._errors import InputError
from scclamp.encoders._scgpt_model import MAX_VALUE, ScGPTConfig, ScGPTModel

ARGS = {"embsize": 8, "nheads": 2, "d_hid": 12, "nlayers": 2, "input_emb_style": "continuous", "input_style": "binned"}


@pytest.fixture
def model():
    model = ScGPTModel(ScGPTConfig.of(ARGS), 11).double().eval()
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.5
    return model


def by_torch(model, tokens, values, padding):
    """The same weights in torch's modules, layer by layer from the published description."""
    weights = model.state_dict()

    def part(prefix):
        return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}

    layer = nn.TransformerEncoderLayer(8, 2, 12, 0.0, "relu", batch_first=True, norm_first=False)
    # The slow path of torch, which is the plain one.
    stack = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).double().train()
    stack.load_state_dict(part("transformer_encoder."))
    genes = nn.functional.embedding(tokens, weights["encoder.embedding.weight"])
    genes = nn.functional.layer_norm(
        genes, (8,), weights["encoder.enc_norm.weight"], weights["encoder.enc_norm.bias"], 1e-5
    )
    mlp = nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Linear(8, 8), nn.LayerNorm(8)).double()
    order = ("0", "linear1"), ("2", "linear2"), ("3", "norm")
    own = part("value_encoder.")
    mlp.load_state_dict({f"{i}.{kind}": own[f"{name}.{kind}"] for i, name in order for kind in ("weight", "bias")})
    return stack(genes + mlp(values.clamp(max=512).unsqueeze(-1)), src_key_padding_mask=padding)


@pytest.mark.parametrize("padded", [False, True])
def test_forward_is_that_of_torch(model, padded):
    generator = torch.Generator().manual_seed(1)
    tokens = torch.tensor([3, 0, 7, 10, 1])
    values = torch.randint(0, 50, (4, 5), generator=generator).double()
    padding = torch.rand(4, 5, generator=generator) < 0.4
    padding[:, 0] = False
    found = model(tokens, values, ~padding if padded else None)
    expected = by_torch(model, tokens, values, padding if padded else None)
    # What stands at a padded place is nobody's.
    seen = ~padding if padded else torch.ones_like(padding)
    torch.testing.assert_close(found[seen], expected[seen])


def test_large_values_are_clamped(model):
    tokens = torch.tensor([1, 2])
    found = model(tokens, torch.tensor([[MAX_VALUE, 3.0], [9e9, 3.0]]).double())
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=0)
    below = model(tokens, torch.tensor([[MAX_VALUE / 2, 3.0]]).double())
    assert (found[0] - below[0]).abs().max() > 1e-6


def test_the_head_is_that_of_the_description(model):
    hidden = torch.randn(3, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    w = {name.removeprefix("decoder.fc."): value for name, value in model.state_dict().items() if "decoder" in name}
    a = hidden
    for i in ("0", "2"):
        a = a @ w[f"{i}.weight"].T + w[f"{i}.bias"]
        a = torch.where(a > 0, a, 0.01 * a)
    torch.testing.assert_close(model.decoder(hidden), (a @ w["4.weight"].T + w["4.bias"])[..., 0])


def test_config_is_read():
    config = ScGPTConfig.of({**ARGS, "pad_value": -5, "n_bins": 21, "dropout": 0.2, "batch_size": 3})
    assert config == ScGPTConfig(8, 2, 12, 2, "<pad>", -5, 21)
    assert (ScGPTConfig.of(ARGS).pad_value, ScGPTConfig.of(ARGS).n_bins) == (-2, 51)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input_emb_style": "category"}, "input_emb_style='category'.*'continuous'.*Use a checkpoint"),
        ({"input_emb_style": "scaling"}, "input_emb_style='scaling'"),
        ({"input_style": "log1p"}, "input_style='log1p'.*'binned'"),
        ({"embsize": None, "nlayers": 0}, "no positive whole number for embsize, nlayers"),
        ({"n_bins": "51"}, "n_bins='51' in args.json is of another kind"),
        ({"pad_value": None}, "pad_value=None"),
        ({"nheads": 3}, "embsize=8 in args.json is no multiple of nheads=3"),
    ],
)
def test_config_that_cannot_be_used(change, message):
    with pytest.raises(InputError, match=message):
        ScGPTConfig.of({**ARGS, **change})
