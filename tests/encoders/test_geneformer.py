"""Geneformer from miniature checkpoints in the layouts of both versions, and in a fit and a probe."""

import json
import pickle
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from scclamp import datasets, encoders, tl
from scclamp._errors import InputError, StorageError
from scclamp.encoders import Encoder, Geneformer, placement, require_differentiable

layout = runpy.run_path(str(Path(__file__).parent / "_geneformer_layout.py"))
PANEL = layout["identifiers"](20)
# Two genes of the panel are unknown, and the model knows others; not in the order of the panel.
KNOWN = layout["identifiers"](30)[2:][::-1]


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return layout["write"](tmp_path_factory.mktemp("v1"), KNOWN, version=1, protocol=2)


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    return layout["write"](tmp_path_factory.mktemp("v2"), KNOWN, version=2)


@pytest.fixture(scope="module")
def screen():
    return datasets.simulated("tiny")


def make(release, genes=PANEL, **settings):
    return Geneformer.from_checkpoint(genes=genes, **release | settings)


def states(n=4, genes=20, seed=0, zeros=0.4):
    rng = np.random.default_rng(seed)
    return torch.as_tensor(rng.gamma(1.0, 1.0, (n, genes)) * (rng.random((n, genes)) > zeros))


@pytest.mark.parametrize("settings", [{}, {"layer": -1}, {"layer": 0}, {"layer": 1}, {"n_tokens": 6}])
def test_first_version_is_that_of_numpy(first, settings):
    x = states()
    found = make(first, dtype=torch.float64, **settings).encode(x)
    layer, longest = settings.get("layer", -2), settings.get("n_tokens", 64)
    expected = [layout["embedding"](first["folder"], row, PANEL, layer=layer, longest=longest) for row in x.numpy()]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    "settings", [{}, {"embedding": "mean"}, {"embedding": "cls", "layer": 3}, {"n_tokens": 6, "embedding": "mean"}]
)
def test_second_version_is_that_of_numpy(second, settings):
    x = states()
    found = make(second, dtype=torch.float64, **settings).encode(x)
    named = {"layer": settings.get("layer", -2), "kind": settings.get("embedding", "cls")}
    longest = settings.get("n_tokens", 64)
    expected = [layout["embedding"](second["folder"], row, PANEL, longest=longest, **named) for row in x.numpy()]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_encoder_is_frozen_and_says_what_it_is(first, second, untouched_rng):
    for release in (first, second):
        geneformer = make(release)
        assert isinstance(geneformer, Encoder)
        assert (geneformer.name, geneformer.affine, geneformer.input) == ("geneformer", False, "log")
        assert not geneformer.function.training
        assert not any(parameter.requires_grad for parameter in geneformer.function.parameters())
        assert geneformer.mapping.missing == tuple(PANEL[:2])
        assert placement(geneformer) == (torch.float32, torch.device("cpu"))
        assert not hasattr(geneformer, "reconstruct")
        require_differentiable(geneformer, states(2))
        assert geneformer.encode(states(2)).dtype == torch.float64


def test_gene_embeddings_are_those_of_words(second):
    state, tokens, _ = layout["read"](second["folder"])
    found = make(second).gene_embeddings
    assert np.isnan(found[:2]).all()
    words = state["bert.embeddings.word_embeddings.weight"]
    np.testing.assert_allclose(found[2:], [words[tokens[name]] for name in PANEL[2:]])


def test_panels_of_symbols_and_of_identifiers_agree(second, tmp_path):
    names = [f"GENE{i}" for i in range(20)]
    table = dict(zip(names, PANEL, strict=True))
    (tmp_path / "ids.pkl").write_bytes(pickle.dumps(table))
    (tmp_path / "ids.json").write_text(json.dumps(table))
    pd.Series(table).to_csv(tmp_path / "ids.csv", header=False)
    expected = make(second)
    kinds = [table, pd.Series(table), tmp_path / "ids.pkl", str(tmp_path / "ids.json"), tmp_path / "ids.csv"]
    for symbols in kinds:
        other = make(second, names, symbols=symbols)
        torch.testing.assert_close(other.encode(states()), expected.encode(states()))
        assert other.fingerprint() == expected.fingerprint()
    versions = [f"{name}.{i}" for i, name in enumerate(PANEL)]
    assert make(second, versions).fingerprint() == expected.fingerprint()


def test_dictionaries_may_be_passed_themselves(second, tmp_path):
    _, tokens, medians = layout["read"](second["folder"])
    (tmp_path / "medians.json").write_text(json.dumps(medians))
    other = make(second, tokens=tokens, medians=tmp_path / "medians.json")
    assert other.fingerprint() == make(second).fingerprint()


def test_batches_and_shapes_and_precision_change_nothing(second):
    x = states(6)
    found = []
    for batch_size in (None, 4, 1):
        geneformer = make(second, batch_size=batch_size)
        y = x.clone().requires_grad_()
        value = geneformer.encode(y)
        found.append((value.detach(), torch.autograd.grad(value.pow(3).sum(), y)[0]))
    for other in found[1:]:
        for mine, wanted in zip(other, found[0], strict=True):
            torch.testing.assert_close(mine, wanted, atol=1e-5, rtol=1e-5)
    whole = make(second, batch_size=None)
    torch.testing.assert_close(whole.encode(x.reshape(2, 3, -1)), whole.encode(x).reshape(2, 3, -1), rtol=0, atol=1e-5)
    torch.testing.assert_close(whole.encode(x), make(second, dtype=torch.float64).encode(x), rtol=1e-4, atol=1e-5)


def test_fingerprint_tells_everything_that_decides_the_output(second, tmp_path):
    medians = layout["read"](second["folder"])[2]
    same = make(second).fingerprint()
    assert make(second, batch_size=1).fingerprint() == same
    assert make(second, layer=2, embedding="cls").fingerprint() == same
    kinds = [{"layer": -1}, {"embedding": "mean"}, {"temperature": 0.5}, {"zeros": True}, {"n_tokens": 9}]
    kinds += [{"genes": PANEL[::-1]}, {"medians": medians | {PANEL[5]: 99.0}}]
    others = [make(second, **kind).fingerprint() for kind in kinds]
    changes = (
        {"config": {"num_attention_heads": 4}},
        {"config": {"hidden_act": "gelu"}},
        {"config": {"layer_norm_eps": 0.5}},
    )
    for i, change in enumerate(changes):
        others.append(make(layout["write"](tmp_path / str(i), KNOWN, version=2, **change)).fingerprint())
    assert len({same, *others}) == len(others) + 1


@pytest.mark.parametrize("temperature", [0.0, 0.3])
def test_it_can_be_pickled(second, temperature):
    geneformer = make(second, temperature=temperature)
    other = pickle.loads(pickle.dumps(geneformer))
    torch.testing.assert_close(other.encode(states()), geneformer.encode(states()), rtol=0, atol=0)
    assert other.fingerprint() == geneformer.fingerprint()


@pytest.mark.parametrize("embedding", ["cls", "mean"])
def test_soft_places_have_the_gradient_of_finite_differences(second, embedding):
    x = states(2)
    # At zero itself there is a step; below it there is nothing.
    x = torch.where(x > 0, x, -1.0).requires_grad_()
    geneformer = make(second, temperature=0.4, embedding=embedding, dtype=torch.float64)
    assert torch.autograd.gradcheck(geneformer.encode, x, eps=1e-7, atol=1e-5)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:FutureWarning")
def test_exact_places_have_a_gradient_that_tells_finite_steps(tmp_path):
    """The embedding of exact places moves, over steps in which genes pass each other, where the gradient says."""
    genes = layout["identifiers"](200)
    config = {"max_position_embeddings": 256, "vocab_size": 202}
    # Places that differ little from one to the next, as those of a trained model, and some noise.
    turns = np.linspace(0, 4, 256)[:, None] + np.linspace(0, 6, 8)
    noise = 0.02 * np.random.default_rng(2).normal(size=turns.shape)
    tensors = {
        "bert.embeddings.position_embeddings.weight": torch.as_tensor(np.sin(turns) + noise),
        "bert.embeddings.position_ids": torch.arange(256)[None],
    }
    release = layout["write"](tmp_path / "release", genes, config=config, tensors=tensors)
    geneformer = make(release, genes, dtype=torch.float64)
    x = 0.2 + states(20, 200, zeros=0.0)
    v = 0.15 * torch.as_tensor(np.random.default_rng(1).choice([-1.0, 1.0], size=x.shape))
    told = torch.func.jvp(geneformer.encode, (x,), (v,))[1]
    moved = geneformer.encode(x + v) - geneformer.encode(x)
    assert torch.cosine_similarity(told, moved, dim=-1).mean() > 0.7
    assert 0.6 < told.norm() / moved.norm() < 1.5


# torch itself, when it loads what forward mode needs.
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:FutureWarning")
@pytest.mark.parametrize("temperature", [0.0, 0.5])
def test_forward_derivatives_are_those_of_backward(second, temperature):
    geneformer = make(second, temperature=temperature, dtype=torch.float64)
    x = states(2)
    v = torch.as_tensor(np.random.default_rng(0).normal(size=x.shape))
    forward = torch.func.jvp(geneformer.encode, (x,), (v,))[1]
    J = torch.autograd.functional.jacobian(geneformer.encode, x)
    torch.testing.assert_close(forward, torch.einsum("idjg,jg->id", J, v))
    assert forward.any()


def of_screen(tmp_path, screen, **settings):
    """A lens for the genes of a screen, all of which the model knows but three."""
    names = list(screen.var_names)
    table = dict(zip(names, layout["identifiers"](len(names)), strict=True))
    release = layout["write"](
        tmp_path / "release", list(table.values())[3:], version=2, config={"max_position_embeddings": 64}
    )
    return make(release, names, symbols=table, **settings)


@pytest.mark.parametrize("temperature", [0.0, 0.3])
def test_a_fit_and_a_probe_run_through_it(tmp_path, screen, temperature):
    geneformer = of_screen(tmp_path, screen, temperature=temperature)
    adata = screen.copy()
    tl.fit(adata, encoder=geneformer, max_epochs=3, n_seeds=1, rng=0)
    assert np.isfinite(adata.varm["clamp_A"]).all()
    assert np.isfinite(adata.uns["clamp"]["history"]["loss"]).all()
    assert json.loads(adata.uns["clamp"]["params"])["encoder_sha256"] == geneformer.fingerprint()
    found = tl.transmission(adata, geneformer, basis="gamma", n_cells=4, n_seeds=1, n_bootstrap=10, rng=0)
    mine = found.set_index("encoder").loc["geneformer"]
    assert mine["preserved"] > 0
    assert mine["infinitesimal"] > 0


def test_checks_pass_and_encodings_are_kept(tmp_path, screen):
    geneformer = of_screen(tmp_path, screen, embedding="mean")
    report = encoders.check(geneformer, screen, n_cells=16, rng=0)
    table = report.table.set_index("check")
    assert table.filter(regex="gradient|reprod", axis=0)["passed"].all(), report
    kept = encoders.cached(geneformer, tmp_path / "cache").observations(tuple(screen.var_names))
    rows = screen[:5].to_df().to_numpy(dtype=float, copy=True)
    once, again = kept(rows), kept(rows)
    np.testing.assert_array_equal(once, again)
    np.testing.assert_allclose(once, geneformer.encode(torch.as_tensor(rows)), atol=1e-5)
    assert any((tmp_path / "cache").rglob("*.*"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": -1}, "temperature=-1"),
        ({"batch_size": 0}, "batch_size"),
        ({"layer": 4}, "layer=4 must be a whole number from -4 to 3"),
        ({"layer": -5}, "layer=-5"),
        ({"layer": 1.0}, r"layer=1\.0"),
        ({"embedding": "max"}, "embedding='max'"),
        ({"n_tokens": 65}, "n_tokens=65 must be 3 to 64"),
        ({"n_tokens": 2}, "n_tokens=2 must be 3 to 64"),
        ({"n_tokens": 2.5}, r"n_tokens=2\.5"),
        ({"tokens": {"<pad>": 0}}, "tokens has 1 entries, but the model has vocab_size=32"),
        ({"genes": ["GATA1", "KLF1"]}, "no Ensembl identifiers.*Pass `symbols`"),
        ({"genes": ["GATA1", "KLF1"], "symbols": {"TP53": PANEL[0]}}, "symbols holds none of the genes"),
    ],
)
def test_settings_that_cannot_be(second, settings, message):
    with pytest.raises(InputError, match=message):
        make(second, **settings)


def test_models_of_the_first_version_have_no_cell_token(first):
    with pytest.raises(InputError, match="embedding='cls', but `tokens` has no '<cls>'"):
        make(first, embedding="cls")
    assert make(first).function.embedding == "mean"


def test_pickles_that_would_run_code_are_refused(second, tmp_path):
    class Boom:
        def __reduce__(self):
            return exec, (f"open({str(tmp_path / 'ran')!r}, 'w').close()",)

    (tmp_path / "bad.pkl").write_bytes(pickle.dumps({"GATA1": Boom()}))
    for name in ("tokens", "medians", "symbols"):
        with pytest.raises(StorageError, match="could run code"):
            make(second, **{name: tmp_path / "bad.pkl"})
    assert not (tmp_path / "ran").exists()


def test_states_of_another_panel(second):
    with pytest.raises(InputError, match="x has 5 genes, but encoder='geneformer' was made for 20"):
        make(second).encode(torch.ones(2, 5))


def test_released_dictionaries_of_the_first_version(tmp_path, shared_data):
    names = ("token_dictionary", "gene_median_dictionary", "gene_name_id_dict")
    files = [shared_data / "vocabularies" / f"geneformer_{name}.json" for name in names]
    if not all(file.is_file() for file in files):
        pytest.skip("no dictionaries of Geneformer")
    tokens, medians, symbols = (json.loads(file.read_text()) for file in files)
    layout["write"](tmp_path / "v1", [name for name in tokens if not name.startswith("<")])
    genes = ["GATA1", "KLF1", "SPI1", "no gene of ours", "ENSG00000141510.19"]
    geneformer = Geneformer.from_checkpoint(
        tmp_path / "v1", genes, tokens=files[0], medians=files[1], symbols=files[2], dtype=torch.float64
    )
    ids = [symbols[name] for name in genes[:3]] + ["", "ENSG00000141510"]
    assert geneformer.mapping.tokens.tolist() == [tokens.get(name, -1) for name in ids]
    assert geneformer.function.model.config.vocab_size == 25426
    (tmp_path / "v1" / "tokens.pkl").write_bytes(pickle.dumps(tokens))
    (tmp_path / "v1" / "medians.pkl").write_bytes(pickle.dumps(medians))
    x = states(2, 5, zeros=0.0)
    expected = [layout["embedding"](tmp_path / "v1", row, ids) for row in x.numpy()]
    np.testing.assert_allclose(geneformer.encode(x), expected, atol=1e-6)


@pytest.mark.parametrize("temperature", [0.0, 0.5])
def test_states_that_are_no_numbers(check_unknown, second, temperature):
    check_unknown(make(second, temperature=temperature, batch_size=3), states(4))
