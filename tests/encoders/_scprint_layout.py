"""Small checkpoints in the layout of scPRINT's, and what they mean in numpy. Loaded with `runpy`."""

from __future__ import annotations

import numpy as np
import torch
from scipy.special import erf

D, HEADS, HIDDEN, LAYERS, INSIDE = 8, 2, 12, 2, 5
CLASSES = ["cell_type_ontology_term_id", "sex_ontology_term_id", "assay_ontology_term_id"]


def identifiers(n):
    """Names in the form of Ensembl's; those of no gene."""
    return [f"ENSG9{i:010d}" for i in range(n)]


def weights(n_genes, *, n_rows=4, n_positions=0, heads=True):
    """Tensors by the names in files, drawn at random."""
    number = {"0": (INSIDE, 1), "1": (INSIDE,), "4": (D, INSIDE)}
    shapes = {f"{kind}_encoder.encoder.{i}": shape for kind in ("expr", "depth") for i, shape in number.items()}
    for i in range(LAYERS):
        parts = {"mixer.Wqkv": (3 * D, D), "mixer.out_proj": (D, D), "mlp.fc1": (HIDDEN, D), "mlp.fc2": (D, HIDDEN)}
        parts |= {"norm1": (D,), "norm2": (D,)}
        shapes |= {f"transformer.blocks.{i}.{part}": shape for part, shape in parts.items()}
    shapes["transformer.norm"] = (D,)
    # Last, so that the others are the same without them.
    if heads:
        shapes |= {"expr_decoder.fc.0": (D, D), "cls_decoders.sex_ontology_term_id.decoder.0": (D, D)}
    tables = {"gene_encoder.embeddings.weight": n_genes, "class_encoder.embeddings.weight": n_rows}
    tables |= {"pos_encoder.pe": n_positions} if n_positions else {}
    rng = np.random.default_rng(0)
    found = {name: rng.standard_normal((n, D)) for name, n in tables.items()}
    for name, shape in shapes.items():
        found[f"{name}.weight"] = (len(shape) == 1) + 0.5 * rng.standard_normal(shape)
        found[f"{name}.bias"] = 0.5 * rng.standard_normal(shape[:1])
    return {name: torch.tensor(value, dtype=torch.float32) for name, value in found.items()}


def settings(genes, /, **changes):
    """`hyper_parameters`, with those that training has left."""
    return {
        "genes": list(genes),
        "d_model": D,
        "nhead": HEADS,
        "nlayers": LAYERS,
        "classes": CLASSES,
        "label_counts": {name: np.int64(3) for name in CLASSES},
        "normalization": "log",
        "depth_atinput": True,
        "dropout": 0.1,
        "lr": np.float64(1e-4),
    } | changes


def write(path, genes, *, hyper=(), tensors=(), drop=(), **sizes):
    """A Lightning file, with changes."""
    state = {k: v for k, v in (weights(len(genes), **sizes) | dict(tensors)).items() if k not in drop}
    content = {"epoch": 3, "pytorch-lightning_version": "2.5.0", "optimizer_states": [{"state": {0: torch.ones(1)}}]}
    torch.save(content | {"state_dict": state, "hyper_parameters": settings(genes, **dict(hyper))}, path)
    return path


def hidden(state, tokens, counts, depth, *, normalization="log", spare=None, rows=None, zeros=True):
    """Hidden states (cells, tokens, d) of counts (cells, genes) read, and how many tokens are the cell's."""
    w = {name: value.double().numpy() for name, value in state.items()}
    counts = np.asarray(counts, dtype=float)

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(x, name, eps):
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + eps) * w[f"{name}.weight"] + w[f"{name}.bias"]

    def number(x, name):
        inside = norm(linear(x[..., None], f"{name}.encoder.0"), f"{name}.encoder.1", 1e-5)
        return linear(np.maximum(inside, 0), f"{name}.encoder.4")

    def attention(x, name, seen):
        q, k, v = np.split(linear(x, f"{name}.Wqkv"), 3, -1)
        width, mixed = D // HEADS, []
        for head in range(HEADS):
            own = slice(head * width, (head + 1) * width)
            scores = np.where(seen, np.exp(q[:, own] @ k[:, own].T / np.sqrt(width)), 0)
            mixed.append(scores / scores.sum(-1, keepdims=True) @ v[:, own])
        return linear(np.concatenate(mixed, -1), f"{name}.out_proj")

    found = []
    for row in counts:
        values = np.log2(1 + row) if normalization == "log" else row / (row.sum() or 1)
        genes = w["gene_encoder.embeddings.weight"][tokens] + number(values, "expr_encoder")
        if rows is not None:
            genes = genes + w["pos_encoder.pe"][rows]
        first, cell = number(np.log2([1 + depth]), "depth_encoder"), w["class_encoder.embeddings.weight"]
        if spare == "depth":
            first, cell = first + cell[:1], cell[1:]
        x = np.concatenate([first, cell, genes])
        seen = np.concatenate([np.ones(1 + len(cell), dtype=bool), (row > 0) | zeros])
        for i in range(LAYERS):
            block = f"transformer.blocks.{i}"
            x = x + attention(norm(x, f"{block}.norm1", 1e-6), f"{block}.mixer", seen)
            inside = linear(norm(x, f"{block}.norm2", 1e-6), f"{block}.mlp.fc1")
            x = x + linear(inside * (1 + erf(inside / np.sqrt(2))) / 2, f"{block}.mlp.fc2")
        found.append(norm(x, "transformer.norm", 1e-6))
    return np.stack(found), 1 + len(cell)
