"""Settings and weights must agree, and be of the model that is built here."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from scclamp._errors import InputError
from scclamp.encoders._scprint_config import ScPRINTConfig

layout = runpy.run_path(str(Path(__file__).parent / "_scprint_layout.py"))
GENES = layout["identifiers"](7)


def of(hyper=(), tensors=(), drop=(), spare=None, **sizes):
    weights = layout["weights"](7, **sizes) | dict(tensors)
    settings = {k: v for k, v in layout["settings"](GENES, **dict(hyper)).items() if k not in drop}
    return ScPRINTConfig.of({k: v for k, v in weights.items() if k not in drop}, settings, spare)


def test_sizes_are_those_of_the_weights():
    assert of() == ScPRINTConfig(tuple(GENES), 8, 2, 2, 12, 5, 5, 3, "log", None, 0)
    assert of(n_positions=11).n_positions == 11
    for spare in ("metacell", "depth"):
        assert (of(n_rows=5, spare=spare).spare, of(n_rows=5, spare=spare).n_classes) == (spare, 3)
    versions = np.array([f"{name}.{i}" for i, name in enumerate(GENES)])
    assert of({"genes": versions, "nhead": np.int64(2), "normalization": "sum"}).genes == tuple(GENES)
    assert of({"classes": {"a": 3, "b": 2, "c": 9}}, drop=["depth_atinput"]).n_classes == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hyper": {"d_model": 16}}, "d_model=16, but 'gene_encoder.embeddings.weight' is 8 wide"),
        ({"hyper": {"nlayers": 3}}, "nlayers=3, but there are 2 blocks"),
        ({"hyper": {"nhead": 3}}, "nhead=3 does not divide 8"),
        ({"hyper": {"genes": GENES[:5]}}, "5 genes, but 'gene_encoder.embeddings.weight' has 7 rows"),
        ({"hyper": {"nlayers": 3, "nhead": 5}}, "nhead=5 .*; nlayers=3"),
        (
            {"hyper": {"classes": ["a"]}},
            "1 classes and the cell itself, but 'class_encoder.embeddings.weight' has 4 rows",
        ),
        ({"n_rows": 5}, "3 classes .* has 5 rows: say what the first is, spare='metacell' .* or spare='depth'"),
        ({"spare": "depth"}, "has 4 rows, not the 5 of spare='depth'"),
        ({"n_rows": 7}, "3 classes and the cell itself, but .* has 7 rows"),
        ({"hyper": {"normalization": "both"}}, "normalization='both' is not known, only 'sum' and 'log'"),
        ({"hyper": {"depth_atinput": False}}, "depth_atinput=False is not known, only True"),
        ({"hyper": {"prenorm": False, "activation": "relu"}}, "activation='relu' .*prenorm=False"),
        ({"hyper": {"causal": True}}, "causal=True is not known"),
        ({"hyper": {"nhead": "2", "d_model": 0, "nlayers": True}}, "d_model=0 .*; nhead='2' .*; nlayers=True"),
        ({"hyper": {"genes": {"human": GENES}}}, "genes is a dict, not a list"),
        ({"hyper": {"genes": [*GENES[:-1], f"{GENES[0]}.4"]}}, f"genes holds '{GENES[0]}' more than once"),
        ({"hyper": {"classes": 3}}, "classes=3 is no list of names"),
        ({"drop": ["genes", "normalization"]}, "genes is missing; normalization is missing"),
        ({"drop": ["class_encoder.embeddings.weight"]}, "'class_encoder.embeddings.weight' is missing or no matrix"),
        (
            {"drop": ["expr_encoder.encoder.0.weight"], "tensors": {"pos_encoder.pe": torch.ones(3)}},
            "'expr_encoder.encoder.0.weight', 'pos_encoder.pe' are missing or no matrix",
        ),
    ],
)
def test_what_disagrees_is_named(changes, message):
    with pytest.raises(InputError, match=message):
        of(**changes)
