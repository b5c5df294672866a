"""Checkpoints and dictionaries of both versions are read, and what does not fit is named."""

import json
import pickle
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from scclamp._errors import InputError, InputWarning, StorageError
from scclamp.encoders._geneformer_files import Vocabulary, read_model

layout = runpy.run_path(str(Path(__file__).parent / "_geneformer_layout.py"))
GENES = layout["identifiers"](10)
TOKENS = {"<pad>": 0, "<mask>": 1, "ENSG1": 2, "ENSG2": 3}
MEDIANS = {"ENSG1": 0.5, "ENSG2": 2.0}


@pytest.mark.parametrize("version", [1, 2])
def test_weights_are_read(tmp_path, version, untouched_rng):
    layout["write"](tmp_path, GENES, version=version)
    state = layout["read"](tmp_path)[0]
    model = read_model(tmp_path)
    own = model.state_dict()
    assert len(own) == 5 + 3 * 16
    for name, value in own.items():
        old = "bert." + name.replace("attention.query", "attention.self.query").replace(
            "attention.key", "attention.self.key"
        ).replace("attention.value", "attention.self.value")
        np.testing.assert_allclose(value, state[old])
    assert (model.config.vocab_size, model.config.hidden_act) == (len(GENES) + 2 * version, "relu")


def test_weights_of_the_bare_model_are_read(tmp_path):
    layout["write"](tmp_path, GENES)
    expected = read_model(tmp_path).state_dict()
    state = torch.load(tmp_path / "pytorch_model.bin")
    bare = {name.removeprefix("bert."): value for name, value in state.items()}
    torch.save(bare | {"pooler.dense.bias": torch.ones(3)}, tmp_path / "pytorch_model.bin")
    found = read_model(tmp_path).state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"drop": ["bert.embeddings.token_type_embeddings.weight"]},
            "'embeddings.token_type_embeddings.weight' is missi",
        ),
        (
            {"drop": ["bert.encoder.layer.2.attention.self.key.bias"]},
            r"'encoder\.layer\.2\.attention\.key\.bias' is miss",
        ),
        ({"config": {"num_hidden_layers": 2}}, r"'encoder\.layer\.2\..*left over"),
        ({"config": {"vocab_size": 99}}, r"word_embeddings.weight' is \(12, 8\), not \(99, 8\)"),
        ({"tensors": {"lora.weight": torch.ones(2)}}, "'lora.weight' is left over"),
        ({"config": {"model_type": "gpt2"}}, "model_type='gpt2'"),
    ],
)
def test_checkpoints_that_do_not_fit(tmp_path, change, message):
    layout["write"](tmp_path, GENES, **change)
    with pytest.raises(InputError, match=message):
        read_model(tmp_path)


class Boom:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return exec, (f"open({str(self.path)!r}, 'w').close()",)


def test_files_that_are_missing_damaged_or_malicious(tmp_path):
    layout["write"](tmp_path, GENES)
    torch.save({"bert.weight": Boom(tmp_path / "ran")}, tmp_path / "pytorch_model.bin")
    with pytest.raises(StorageError, match=r"pytorch_model\.bin.*could run code"):
        read_model(tmp_path)
    for name in ("tokens", "medians"):
        (tmp_path / "bad.pkl").write_bytes(pickle.dumps({"ENSG1": Boom(tmp_path / "ran")}))
        dictionaries = {"tokens": TOKENS, "medians": MEDIANS} | {name: tmp_path / "bad.pkl"}
        with pytest.raises(StorageError, match=r"bad\.pkl.*could run code: it is refused"):
            Vocabulary.of(**dictionaries, n_tokens=4)
    assert not (tmp_path / "ran").exists()
    (tmp_path / "pytorch_model.bin").unlink()
    with pytest.raises(StorageError, match=r"neither model\.safetensors nor pytorch_model\.bin"):
        read_model(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(InputError, match=r"config\.json holds a list"):
        read_model(tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(StorageError, match=r"config\.json' is no file"):
        read_model(tmp_path)


def test_vocabularies_are_read(tmp_path):
    expected = Vocabulary({"ENSG1": 2, "ENSG2": 3}, MEDIANS)
    (tmp_path / "tokens.json").write_text(json.dumps(TOKENS))
    numpy = {name: np.float64(value) for name, value in MEDIANS.items()} | {"ENSG9": np.float64(1)}
    (tmp_path / "medians.pkl").write_bytes(pickle.dumps(numpy))
    assert Vocabulary.of(TOKENS, MEDIANS, 4) == expected
    assert Vocabulary.of(str(tmp_path / "tokens.json"), tmp_path / "medians.pkl", 4) == expected
    second = {"<pad>": 0, "<mask>": 1, "<cls>": 2, "<eos>": 3, "ENSG2": 5, "ENSG1": 4}
    assert Vocabulary.of(second, MEDIANS, 6) == Vocabulary({"ENSG2": 5, "ENSG1": 4}, MEDIANS, (2, 3))


def test_genes_without_a_median_are_unknown_aloud():
    with pytest.warns(InputWarning, match="1 of 2 genes of the model have none, such as 'ENSG2'"):
        found = Vocabulary.of(TOKENS, {"ENSG1": 0.5}, 4)
    assert found == Vocabulary({"ENSG1": 2}, {"ENSG1": 0.5})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_tokens": 25426}, "tokens has 4 entries, but the model has vocab_size=25426"),
        ({"tokens": TOKENS | {"ENSG2": 7}}, "one for each of 0 to 3"),
        ({"tokens": TOKENS | {"ENSG2": 2}}, "one for each of 0 to 3"),
        ({"tokens": {"<pad>": 0, "<mask>": 1, "<cls>": 2, "ENSG1": 3}}, "only one of '<cls>' and '<eos>'"),
        ({"tokens": TOKENS | {"ENSG2": 3.5}}, "tokens: the values of 'ENSG2' are no whole numbers"),
        ({"tokens": {0: "<pad>"}}, "tokens: the values of 0 are no whole numbers by name"),
        ({"medians": MEDIANS | {"ENSG2": "2"}}, "medians: the values of 'ENSG2' are no numbers"),
        ({"medians": MEDIANS | {"ENSG2": 0.0}}, "medians: those of 'ENSG2' are not positive"),
        ({"medians": MEDIANS | {"ENSG2": np.inf}}, "medians: those of 'ENSG2'"),
        ({"medians": MEDIANS | {"ENSG1": np.nan}}, "medians: those of 'ENSG1'"),
    ],
)
def test_dictionaries_that_do_not_fit(change, message):
    with pytest.raises(InputError, match=message):
        Vocabulary.of(**({"tokens": TOKENS, "medians": MEDIANS, "n_tokens": 4} | change))
