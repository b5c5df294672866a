"""scPRINT from a miniature file in the layout of the released ones, and in fits and probes."""

import json
import pickle
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import scclamp as sc_c
from scclamp._errors import InputError, StorageError
from scclamp.encoders import Encoder, ScPRINT, cached, check, placement, require_differentiable

layout = runpy.run_path(str(Path(__file__).parent / "_scprint_layout.py"))
D = layout["D"]
# Twelve genes; the file knows ten, in another order, and three more.
PANEL = [f"GENE{i}" for i in range(12)]
IDS = layout["identifiers"](15)
TABLE = dict(zip(PANEL, (f"{name}.{i}" for i, name in enumerate(IDS)), strict=False))
GENES = [*IDS[9:3:-1], *IDS[12:], *IDS[3::-1]]
AT = list(range(10))
TOKENS = [GENES.index(name) for name in IDS[:10]]
DEPTH = 7000.0


@pytest.fixture
def write(tmp_path):
    return lambda genes=GENES, name="small.ckpt", **changes: layout["write"](tmp_path / name, genes, **changes)


def load(path, genes=PANEL, **settings):
    return ScPRINT.from_checkpoint(path, genes, **({"depth": DEPTH, "symbols": TABLE} | settings))


def states(n=3, seed=0):
    rng = np.random.default_rng(seed)
    return torch.as_tensor(rng.gamma(1.0, 1.0, (n, 12)) * (rng.random((n, 12)) < 0.7))


def counts_of(x, depth=DEPTH, target_sum=1e4):
    return np.expm1(x.numpy()[:, AT]) * depth / target_sum


@pytest.mark.parametrize("zeros", [True, False])
@pytest.mark.parametrize("normalization", ["log", "sum"])
def test_embedding_is_that_of_numpy(write, normalization, zeros):
    path, x = write(hyper={"normalization": normalization}), states()
    hidden, n_cell = layout["hidden"](
        layout["weights"](len(GENES)), TOKENS, counts_of(x), DEPTH, normalization=normalization, zeros=zeros
    )
    mean = load(path, zeros=zeros, dtype=torch.float64).encode(x)
    np.testing.assert_allclose(mean, hidden[:, :n_cell].mean(1), rtol=1e-7, atol=1e-9)
    base = load(path, zeros=zeros, tokens="base", dtype=torch.float64).encode(x)
    np.testing.assert_allclose(base, hidden[:, 1], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("spare", ["metacell", "depth"])
def test_a_spare_row_is_what_it_is_said_to_be(write, spare):
    path, x = write(n_rows=5), states()
    hidden, n_cell = layout["hidden"](layout["weights"](len(GENES), n_rows=5), TOKENS, counts_of(x), DEPTH, spare=spare)
    found = load(path, spare=spare, dtype=torch.float64).encode(x)
    np.testing.assert_allclose(found, hidden[:, :n_cell].mean(1), rtol=1e-7, atol=1e-9)
    with pytest.raises(InputError, match="say what the first is, spare='metacell'"):
        load(path)


@pytest.mark.parametrize("table", ["of genes", "of places"])
def test_positions(write, table):
    n = len(GENES) if table == "of genes" else 5
    path, x = write(n_positions=n), states()
    places = None if table == "of genes" else {f"{name}.3": i % 5 for i, name in enumerate(IDS)}
    rows = TOKENS if places is None else [i % 5 for i in AT]
    hidden, n_cell = layout["hidden"](
        layout["weights"](len(GENES), n_positions=n), TOKENS, counts_of(x), DEPTH, rows=rows
    )
    for positions in (places, None if places is None else pd.Series(places)):
        found = load(path, positions=positions, dtype=torch.float64).encode(x)
        np.testing.assert_allclose(found, hidden[:, :n_cell].mean(1), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("n", "positions", "message"),
    [
        (5, None, "positions=None, but 'pos_encoder.pe' has 5 rows for 13 genes"),
        (
            5,
            {IDS[0]: 1, IDS[1]: 5, IDS[2]: -1, IDS[3]: True},
            f"no row from 0 to 4 for '{IDS[1]}', '{IDS[2]}', '{IDS[3]}'",
        ),
        (0, {IDS[0]: 1}, "positions was passed, but this checkpoint has no 'pos_encoder.pe'"),
    ],
)
def test_positions_that_cannot_be_used(write, n, positions, message):
    with pytest.raises(InputError, match=message):
        load(write(n_positions=n), positions=positions)


def test_gradient_through_the_counts(write):
    x = states(2).clamp(min=0.1).requires_grad_()
    for normalization in ("log", "sum"):
        scprint = load(write(hyper={"normalization": normalization}), dtype=torch.float64)
        assert torch.autograd.gradcheck(scprint.encode, x, eps=1e-6, atol=1e-6)


def test_batches_and_shapes_and_precision_change_nothing(write):
    path, x = write(), states(6)
    # In double precision: how single precision adds up depends on the number of states and of threads.
    whole, parts = (load(path, batch_size=n, dtype=torch.float64) for n in (None, 4))
    torch.testing.assert_close(parts.encode(x), whole.encode(x))
    torch.testing.assert_close(whole.encode(x.reshape(2, 3, -1)), whole.encode(x).reshape(2, 3, D))
    gradients = []
    for scprint in (whole, parts):
        y = x.clone().requires_grad_()
        gradients.append(torch.autograd.grad(scprint.encode(y).pow(3).sum(), y)[0])
    torch.testing.assert_close(*gradients)
    single = load(path)
    assert (single.encode(x).dtype, single.encode(x.float()).dtype) == (torch.float64, torch.float32)
    torch.testing.assert_close(single.encode(x), whole.encode(x), rtol=1e-3, atol=1e-5)
    places = ((dtype, torch.device("cpu")) for dtype in (torch.float32, torch.float64))
    assert (placement(single), placement(whole)) == tuple(places)


def test_the_encoder_is_frozen_and_says_what_it_is(write):
    scprint = load(write())
    assert isinstance(scprint, Encoder)
    assert (scprint.name, scprint.affine, scprint.input) == ("scprint", False, "counts")
    assert not scprint.function.training
    assert not any(parameter.requires_grad for parameter in scprint.function.parameters())
    assert scprint.mapping.missing == ("GENE10", "GENE11")
    assert not hasattr(scprint, "reconstruct")
    require_differentiable(scprint, states(2))
    again = pickle.loads(pickle.dumps(scprint))
    assert again.fingerprint() == scprint.fingerprint()
    torch.testing.assert_close(again.encode(states()), scprint.encode(states()), rtol=0, atol=0)


def test_symbols_and_identifiers_are_the_same_panel(write):
    by_symbol = load(write())
    for genes in (IDS[:12], [f"{name}.5" for name in IDS[:12]]):
        by_name = load(write(), genes, symbols=None)
        assert by_name.fingerprint() == by_symbol.fingerprint()
    with pytest.raises(InputError, match=r'no Ensembl identifiers.*adata.var\["gene_ids"\]'):
        load(write(), symbols=None)


def test_gene_embeddings_are_rows_of_the_table(write):
    found = load(write()).gene_embeddings
    table = layout["weights"](len(GENES))["gene_encoder.embeddings.weight"].double().numpy()
    np.testing.assert_array_equal(found[AT], table[TOKENS])
    assert np.isnan(found[10:]).all()


def test_fingerprint_tells_everything_that_decides_the_output(write):
    same = load(write()).fingerprint()
    assert load(write(), batch_size=1).fingerprint() == same
    others = [
        load(write(), **kind) for kind in ({"depth": 8000}, {"target_sum": 2e4}, {"tokens": "base"}, {"zeros": False})
    ]
    others += [load(write(), PANEL[::-1]), load(write(hyper={"normalization": "sum"})), load(write(hyper={"nhead": 4}))]
    others += [load(write(n_rows=5), spare=spare) for spare in ("metacell", "depth")]
    others += [load(write(tensors={"transformer.norm.bias": torch.ones(D)}))]
    others += [load(write(n_positions=5), positions=dict.fromkeys(IDS, row)) for row in (0, 1)]
    assert len({same, *(other.fingerprint() for other in others)}) == len(others) + 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drop": ["expr_encoder.encoder.1.bias"]}, "'expr_encoder.encoder.1.bias' is missing"),
        (
            {"drop": ["transformer.norm.bias", "transformer.blocks.1.mlp.fc2.bias"]},
            "'transformer.blocks.1.mlp.fc2.bias' is missing; 'transformer.norm.bias' is missing",
        ),
        (
            {"tensors": {"transformer.blocks.0.mixer.Wqkv.weight": torch.ones(D + 8, D)}},
            r"mixer.Wqkv.weight' is \(16, 8\), not \(24, 8\)",
        ),
        (
            {"tensors": {"expr_encoder.encoder.3.weight": torch.ones(1), "style.0.weight": torch.ones(1)}},
            "belong to nothing in this model: 'expr_encoder.encoder', 'style.0'.*`ignore`",
        ),
        ({"hyper": {"normalization": "raw"}}, "normalization='raw'"),
        ({"hyper": {"d_model": 9}}, "d_model=9, but"),
    ],
)
def test_checkpoints_that_do_not_fit(write, change, message):
    with pytest.raises(InputError, match=message):
        load(write(**change))


def test_what_may_stay_unread_is_named(write):
    path = write(tensors={"style.0.weight": torch.ones(1)})
    assert load(path, ignore=["style."]).fingerprint() == load(write()).fingerprint()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"depth": 0}, "depth=0 is no library size.*panel is not it"),
        ({"depth": None}, "depth=None"),
        ({"target_sum": float("inf")}, "target_sum=inf"),
        ({"tokens": "cls"}, "tokens='cls'"),
        ({"spare": "base"}, "spare='base'"),
        ({"batch_size": 0}, "batch_size=0"),
    ],
)
def test_settings_that_cannot_be(write, settings, message):
    with pytest.raises(InputError, match=message):
        load(write(), **settings)


def test_depth_must_be_given(write):
    with pytest.raises(TypeError, match="depth"):
        ScPRINT.from_checkpoint(write(), IDS)


def test_files_and_states_of_another_kind(write, tmp_path):
    with pytest.raises(StorageError, match=r"no\.ckpt' is no file"):
        load(tmp_path / "no.ckpt")
    with pytest.raises(InputError, match="x has 5 genes, but encoder='scprint' was made for 12"):
        load(write()).encode(torch.ones(2, 5))


@pytest.fixture(scope="module")
def screen():
    return sc_c.datasets.simulated("tiny")


@pytest.fixture
def lens(write, screen):
    """A function that makes a lens of the simulated screen, three genes of which are unknown."""
    ids = pd.Series(layout["identifiers"](screen.n_vars), index=screen.var_names)
    path = write(list(ids[:3:-1]))

    def make(**settings):
        options = {"depth": screen.obs["n_counts"].median(), "symbols": ids} | settings
        return ScPRINT.from_checkpoint(path, screen.var_names, **options)

    return make


def test_a_fit_and_a_probe_run_through_it(lens, screen):
    scprint, adata = lens(), screen.copy()
    assert len(scprint.mapping.missing) == 4
    sc_c.tl.fit(adata, encoder=scprint, max_epochs=3)
    assert np.isfinite(adata.varm["clamp_A"]).all()
    assert json.loads(adata.uns["clamp"]["params"])["encoder_sha256"] == scprint.fingerprint()
    options = {"n_cells": 4, "n_seeds": 2, "n_bootstrap": 10, "rng": 0}
    found = sc_c.tl.transmission(adata, scprint, **options).set_index(["encoder", "basis"]).loc["scprint"]
    assert (found[["preserved", "infinitesimal"]] > 0).all().all()


# torch itself, when it loads what forward mode needs.
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:FutureWarning")
def test_forward_derivatives_are_those_of_backward(lens, screen):
    scprint = lens(dtype=torch.float64, zeros=False)
    x = torch.as_tensor(screen.X[:2].toarray().astype(float))
    v = torch.as_tensor(np.random.default_rng(0).normal(size=x.shape))
    forward = torch.func.jvp(scprint.encode, (x,), (v,))[1]
    J = torch.autograd.functional.jacobian(scprint.encode, x)
    torch.testing.assert_close(forward, torch.einsum("idjg,jg->id", J, v))
    assert forward.any()


def test_checks_and_the_cache_run_through_it(lens, screen, tmp_path):
    scprint = lens()
    report = check(scprint, screen, n_cells=8, rng=0).table.set_index("check")
    assert report.loc[["gradient flow", "repeatability", "one by one"], "passed"].all()
    kept = cached(scprint, tmp_path / "kept")
    rows = screen.X[:5].toarray().astype(float)
    first = kept.observations(screen.var_names)(rows)
    again = cached(lens(), tmp_path / "kept").observations(screen.var_names)(rows)
    np.testing.assert_array_equal(first, again)
    assert len(list((tmp_path / "kept").rglob("*.*"))) == 1
    np.testing.assert_allclose(first, scprint.encode(torch.as_tensor(rows)), rtol=1e-4, atol=1e-5)


def test_a_sum_over_the_panel_is_refused_where_cells_are_encoded(lens, screen):
    panel = float(np.median(np.asarray(screen.layers["counts"].sum(1))))
    with pytest.raises(InputError, match="is near the sum over the panel"):
        sc_c.tl.fit(screen.copy(), encoder=lens(depth=panel), max_epochs=1)
    # Predicted states are none of a cell, and gradients pass.
    x = torch.as_tensor(screen.X[:2].toarray().astype(float)).requires_grad_()
    assert lens(depth=panel).encode(x).requires_grad


def test_panel_of_the_real_table(write, shared_data):
    path = shared_data / "vocabularies" / "scprint_biomart_pos.parquet"
    if not path.is_file():
        pytest.skip("no table of scPRINT")
    table = pd.read_parquet(path)
    symbols = pd.Series(table["hgnc_symbol"].to_numpy(), index=table.index)
    panel = ["GATA1", "KLF1", "SPI1", "CEBPA", "no gene of ours"]
    # What HGNC and Ensembl say.
    ids = ["ENSG00000102145", "ENSG00000105610", "ENSG00000066336", "ENSG00000245848"]
    scprint = load(write(ids, n_positions=int(table["pos"].max()) + 1), panel, symbols=symbols, positions=table["pos"])
    assert scprint.mapping.tokens.tolist() == [0, 1, 2, 3, -1]
    assert scprint.function.positions.tolist() == table["pos"].loc[ids].tolist()


def test_states_that_are_no_numbers(check_unknown, write):
    check_unknown(load(write(), batch_size=3), states(4))
