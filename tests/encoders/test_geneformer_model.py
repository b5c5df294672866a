"""The network against plain numpy, and its configuration."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from scclamp._errors import InputError
from scclamp.encoders._geneformer_model import GeneformerConfig, GeneformerModel
from scclamp.encoders._weights import fit_state

layout = runpy.run_path(str(Path(__file__).parent / "_geneformer_layout.py"))
CONFIG = layout["CONFIG"] | {"vocab_size": 20}


@pytest.mark.parametrize("change", [{}, {"hidden_act": "gelu", "layer_norm_eps": 0.1, "num_attention_heads": 4}])
def test_hidden_states_are_those_of_numpy(change):
    config = CONFIG | change
    state = layout["weights"](config, 20)
    model = GeneformerModel(GeneformerConfig.of(config)).double()
    fit_state(model, state, {r"^bert\.": "", r"\.self\.": "."}, ["cls."])
    rng = np.random.default_rng(0)
    lengths = [7, 4, 1]
    ids = [rng.permutation(20)[:n] for n in lengths]
    tokens = torch.as_tensor(np.stack([np.pad(each, (0, 7 - len(each))) for each in ids]))
    present = torch.arange(7) < torch.tensor(lengths)[:, None]
    places = model.embeddings.position_embeddings.weight[:7].expand(3, -1, -1)
    arrays = {name: value.double().numpy() for name, value in state.items()}
    for layer in range(4):
        found = model(tokens, places, present, n_layers=layer).detach().numpy()
        for i, n in enumerate(lengths):
            np.testing.assert_allclose(found[i, :n], layout["hidden"](arrays, config, ids[i])[layer], atol=1e-10)
    every = model(tokens[0], places[:1], torch.ones(1, 7, dtype=torch.bool), n_layers=3)
    torch.testing.assert_close(every, model(tokens[:1], places[:1], present[:1], n_layers=3))


def test_config_is_read():
    content = layout["CONFIG"] | {"vocab_size": 25426}
    assert GeneformerConfig.of(content) == GeneformerConfig(25426, 8, 3, 2, 12, 64, 2, "relu", 1e-12)
    short = {name: value for name, value in content.items() if name not in {"type_vocab_size", "hidden_act"}}
    assert GeneformerConfig.of(short) == GeneformerConfig(25426, 8, 3, 2, 12, 64, 2, "gelu", 1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "distilbert"}, "model_type='distilbert' in its config.json, but only 'bert'"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type='relative_key'"),
        ({"is_decoder": True}, "is_decoder=True"),
        ({"hidden_size": None, "vocab_size": 0}, "no positive whole number for vocab_size, hidden_size"),
        ({"type_vocab_size": True}, "no positive whole number for type_vocab_size"),
        ({"num_attention_heads": 3}, "hidden_size=8 in config.json is no multiple of num_attention_heads=3"),
        ({"hidden_act": "silu"}, "hidden_act='silu'.*'relu', 'gelu'"),
        ({"layer_norm_eps": "1e-12"}, "layer_norm_eps='1e-12'"),
    ],
)
def test_config_that_cannot_be_used(change, message):
    with pytest.raises(InputError, match=message):
        GeneformerConfig.of(CONFIG | change)


def test_sizes_that_are_missing():
    with pytest.raises(InputError, match="no positive whole number for intermediate_size"):
        GeneformerConfig.of({name: value for name, value in CONFIG.items() if name != "intermediate_size"})
