"""Small checkpoints in the layout of Geneformer's two versions, and what they mean in numpy. Loaded with `runpy`."""

from __future__ import annotations

import json
import pickle

import numpy as np
import safetensors.torch
import torch
from scipy.special import erf, softmax

CONFIG = {
    "architectures": ["BertForMaskedLM"],
    "attention_probs_dropout_prob": 0.02,
    "hidden_act": "relu",
    "hidden_dropout_prob": 0.02,
    "hidden_size": 8,
    "initializer_range": 0.02,
    "intermediate_size": 12,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 64,
    "model_type": "bert",
    "num_attention_heads": 2,
    "num_hidden_layers": 3,
    "pad_token_id": 0,
    "position_embedding_type": "absolute",
    "torch_dtype": "float32",
    "type_vocab_size": 2,
    "use_cache": True,
}
SPECIAL = {1: ["<pad>", "<mask>"], 2: ["<pad>", "<mask>", "<cls>", "<eos>"]}


def identifiers(n):
    """Names in the form of Ensembl's; those of no gene."""
    return [f"ENSG9{i:010d}" for i in range(n)]


def weights(config, n_tokens, *, old=False):
    """Tensors by the names in files, drawn at random; older files repeat the tied head and number the places."""
    d, hidden = config["hidden_size"], config["intermediate_size"]
    shapes = {
        "bert.embeddings.word_embeddings": (n_tokens, d),
        "bert.embeddings.position_embeddings": (config["max_position_embeddings"], d),
        "bert.embeddings.token_type_embeddings": (config["type_vocab_size"], d),
    }
    linear = {"cls.predictions.transform.dense": (d, d)}
    norms = ["bert.embeddings.LayerNorm", "cls.predictions.transform.LayerNorm"]
    for i in range(config["num_hidden_layers"]):
        layer = f"bert.encoder.layer.{i}"
        linear |= {f"{layer}.attention.self.{part}": (d, d) for part in ("query", "key", "value")}
        linear |= {f"{layer}.attention.output.dense": (d, d), f"{layer}.intermediate.dense": (hidden, d)}
        linear |= {f"{layer}.output.dense": (d, hidden)}
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return 0.5 * torch.randn(shape, generator=generator)

    found = {f"{name}.weight": draw(*shape) for name, shape in shapes.items()}
    for name, shape in linear.items():
        found |= {f"{name}.weight": draw(*shape), f"{name}.bias": draw(shape[0])}
    for name in norms:
        found |= {f"{name}.weight": 1 + 0.4 * draw(d), f"{name}.bias": draw(d)}
    found["cls.predictions.bias"] = draw(n_tokens)
    if old:
        found["bert.embeddings.position_ids"] = torch.arange(config["max_position_embeddings"])[None]
        found["cls.predictions.decoder.weight"] = found["bert.embeddings.word_embeddings.weight"].clone()
        found["cls.predictions.decoder.bias"] = found["cls.predictions.bias"].clone()
    return found


def write(folder, genes, *, version=1, config=(), tensors=(), drop=(), protocol=4):
    """Write a checkpoint with tokens for these genes, not in their order; return what `from_checkpoint` takes."""
    folder.mkdir(exist_ok=True)
    shuffled = np.random.default_rng(0).permutation(genes).tolist()
    tokens = {name: i for i, name in enumerate([*SPECIAL[version], *shuffled])}
    medians = dict(zip(genes, np.exp(np.random.default_rng(1).normal(size=len(genes))), strict=True))
    content = CONFIG | {"vocab_size": len(tokens)} | dict(config)
    state = weights(CONFIG | {"vocab_size": len(tokens)}, len(tokens), old=version == 1) | dict(tensors)
    state = {name: value for name, value in state.items() if name not in drop}
    (folder / "config.json").write_text(json.dumps(content))
    if version == 1:
        torch.save(state, folder / "pytorch_model.bin")
    else:
        safetensors.torch.save_file(state, folder / "model.safetensors")
    (folder / "tokens.pkl").write_bytes(pickle.dumps(tokens, protocol))
    (folder / "medians.pkl").write_bytes(pickle.dumps(medians, protocol))
    return {"folder": folder, "tokens": folder / "tokens.pkl", "medians": folder / "medians.pkl"}


def read(folder):
    """Weights as arrays of double precision, and both dictionaries."""
    if (folder / "model.safetensors").exists():
        state = safetensors.torch.load_file(folder / "model.safetensors")
    else:
        state = torch.load(folder / "pytorch_model.bin")
    dictionaries = [pickle.loads((folder / f"{name}.pkl").read_bytes()) for name in ("tokens", "medians")]
    return {name: value.double().numpy() for name, value in state.items()}, *dictionaries


def sequence(row, names, tokens, medians, *, longest):
    """Columns of the genes of a cell in the order of its sequence, as the public tokenizer finds them from fractions of counts."""
    value = np.array([np.expm1(v) / medians[n] if n in medians else 0.0 for v, n in zip(row, names, strict=True)])
    order = np.argsort(-value, kind="stable")[: np.count_nonzero(value)]
    return order[: longest - 2 * ("<cls>" in tokens)]


def hidden(state, config, ids):
    """All hidden states (layers + 1, places, d) of one sequence of tokens."""
    heads, eps = config["num_attention_heads"], config["layer_norm_eps"]

    def linear(x, name):
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    def norm(x, name):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)
        return x * state[f"{name}.weight"] + state[f"{name}.bias"]

    def bend(x):
        return np.maximum(x, 0) if config["hidden_act"] == "relu" else x * (1 + erf(x / np.sqrt(2))) / 2

    e = "bert.embeddings"
    x = state[f"{e}.word_embeddings.weight"][ids] + state[f"{e}.position_embeddings.weight"][: len(ids)]
    x = norm(x + state[f"{e}.token_type_embeddings.weight"][0], f"{e}.LayerNorm")
    found = [x]
    for i in range(config["num_hidden_layers"]):
        layer = f"bert.encoder.layer.{i}"
        q, k, v = (linear(x, f"{layer}.attention.self.{part}") for part in ("query", "key", "value"))
        width = q.shape[1] // heads
        mixed = []
        for h in range(heads):
            part = slice(h * width, (h + 1) * width)
            mixed.append(softmax(q[:, part] @ k[:, part].T / np.sqrt(width), axis=-1) @ v[:, part])
        x = norm(linear(np.hstack(mixed), f"{layer}.attention.output.dense") + x, f"{layer}.attention.output.LayerNorm")
        inner = linear(bend(linear(x, f"{layer}.intermediate.dense")), f"{layer}.output.dense")
        x = norm(inner + x, f"{layer}.output.LayerNorm")
        found.append(x)
    return np.stack(found)


def embedding(folder, row, names, *, layer=-2, kind="mean", longest=64):
    """Embedding of one cell from the files alone."""
    state, tokens, medians = read(folder)
    config = json.loads((folder / "config.json").read_text())
    ids = [tokens[names[i]] for i in sequence(row, names, tokens, medians, longest=longest)]
    if "<cls>" not in tokens:
        return hidden(state, config, ids)[layer].mean(0)
    states = hidden(state, config, [tokens["<cls>"], *ids, tokens["<eos>"]])[layer]
    return states[0] if kind == "cls" else states[1:-1].mean(0)
