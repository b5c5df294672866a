"""scGPT from a miniature checkpoint in the layout of the released ones."""

import json

import numpy as np
import pytest
import torch
from torch import nn

import scclamp as sc_c
from scclamp._errors import InputError, StorageError
from scclamp.encoders import ScGPT, placement, require_differentiable
from scclamp.encoders._binning import quantile_bins

D, HEADS, HIDDEN, LAYERS = 8, 2, 12, 2
ARGS = {
    "embsize": D,
    "nheads": HEADS,
    "d_hid": HIDDEN,
    "nlayers": LAYERS,
    "n_layers_cls": 3,
    "dropout": 0.2,
    "pad_token": "<pad>",
    "pad_value": -2,
    "mask_value": -1,
    "n_bins": 51,
    "input_style": "binned",
    "input_emb_style": "continuous",
}
PANEL = [f"GENE{i}" for i in range(12)]
# Not in the order of the panel, two genes unknown, one by case and one by its former symbol.
KNOWN = ["GENE3", "GENE1", "GENE0", "gene7", "WARS", "GENE9", "GENE5", "GENE8", "GENE11"]
GENES = [*PANEL[:-1], "WARS1"]
SHAPES = {
    "encoder.embedding.weight": ("n", D),
    "encoder.enc_norm": D,
    "flag_encoder.weight": (2, D),
    "value_encoder.linear1": (D, 1),
    "value_encoder.linear2": (D, D),
    "value_encoder.norm": D,
    **{
        f"transformer_encoder.layers.{i}.{name}": shape
        for i in range(LAYERS)
        for name, shape in {
            "self_attn.Wqkv": (3 * D, D),
            "self_attn.out_proj": (D, D),
            "linear1": (HIDDEN, D),
            "linear2": (D, HIDDEN),
            "norm1": D,
            "norm2": D,
        }.items()
    },
    "decoder.fc.0": (D, D),
    "decoder.fc.2": (D, D),
    "decoder.fc.4": (1, D),
    "cls_decoder._decoder.0": (D, D),
    "cls_decoder.out_layer": (1, D),
    "mvc_decoder.gene2query": (D, D),
    "mvc_decoder.W.weight": (D, D),
}


def weights(n_tokens):
    generator = torch.Generator().manual_seed(0)
    found = {}
    for name, shape in SHAPES.items():
        shape = (shape,) if isinstance(shape, int) else tuple(n_tokens if size == "n" else size for size in shape)
        kinds = {name: shape} if name.endswith(".weight") else {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
        for full, size in kinds.items():
            norm = float("norm" in full and full.endswith("weight"))
            found[full] = norm + 0.4 * torch.randn(size, generator=generator)
    return found


@pytest.fixture
def write(tmp_path):
    """Write a checkpoint, with changes."""

    def write(known=KNOWN, *, args=(), drop=(), tensors=(), special=True):
        vocabulary = {name: i for i, name in enumerate([*known, "<pad>", "<cls>", "<eoc>"] if special else known)}
        state = weights(len(known) + 3) | dict(tensors)
        (tmp_path / "args.json").write_text(json.dumps(ARGS | dict(args)))
        # As released: in no order of the tokens.
        (tmp_path / "vocab.json").write_text(json.dumps(dict(reversed(vocabulary.items()))))
        torch.save({name: value for name, value in state.items() if name not in drop}, tmp_path / "best_model.pt")
        return tmp_path

    return write


def states(n=3, genes=12, seed=0):
    rng = np.random.default_rng(seed)
    return torch.as_tensor(rng.gamma(1.0, 1.0, (n, genes)) * (rng.random((n, genes)) < 0.7))


def by_torch(folder, x, *, zeros=True):
    """Hidden states of `<cls>` and the known genes by torch.nn.TransformerEncoder, from the files alone."""
    state = {name: value.double() for name, value in torch.load(folder / "best_model.pt").items()}
    vocabulary = json.loads((folder / "vocab.json").read_text())
    pairs = [
        (i, n) for i, g in enumerate(GENES) for n in KNOWN if n.lower() == g.lower() or (g, n) == ("WARS1", "WARS")
    ]
    at, names = zip(*pairs, strict=True)
    values, padding = [], []
    for row in x.double().numpy()[:, at]:
        edges = np.quantile(row[row > 0], np.linspace(0, 1, 50))
        values.append([-2.0, *np.where(row > 0, np.digitize(row, edges), 0)])
        padding.append([False, *(row <= 0)])
    tokens = torch.tensor([vocabulary["<cls>"], *(vocabulary[name] for name in names)])

    def norm(x, name):
        return nn.functional.layer_norm(x, (D,), state[f"{name}.weight"], state[f"{name}.bias"])

    def linear(x, name):
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    values = torch.tensor(values, dtype=torch.float64)[..., None]
    values = linear(linear(values, "value_encoder.linear1").relu(), "value_encoder.linear2")
    embedded = norm(state["encoder.embedding.weight"][tokens], "encoder.enc_norm") + norm(values, "value_encoder.norm")
    layer = nn.TransformerEncoderLayer(D, HEADS, HIDDEN, 0.0, "relu", batch_first=True)
    stack = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False).double().train()
    prefix = "transformer_encoder."
    own = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    stack.load_state_dict({name.replace("Wqkv.", "in_proj_"): value for name, value in own.items()})
    return stack(embedded, src_key_padding_mask=None if zeros else torch.tensor(padding)), list(at), state


@pytest.mark.parametrize("zeros", [True, False])
def test_embedding_is_that_of_torch(write, zeros):
    folder, x = write(), states()
    hidden, _, _ = by_torch(folder, x, zeros=zeros)
    plain = ScGPT.from_checkpoint(folder, GENES, zeros=zeros, normalise=False, dtype=torch.float64)
    torch.testing.assert_close(plain.encode(x), hidden[:, 0].detach())
    unit = ScGPT.from_checkpoint(folder, GENES, zeros=zeros, dtype=torch.float64).encode(x)
    torch.testing.assert_close(unit, (hidden[:, 0] / hidden[:, 0].norm(dim=-1, keepdim=True)).detach())


def test_reconstruction_is_that_of_the_head(write):
    folder, x = write(), states().requires_grad_()
    hidden, at, state = by_torch(folder, x.detach())
    a = hidden[:, 1:]
    for i in (0, 2, 4):
        a = a @ state[f"decoder.fc.{i}.weight"].T + state[f"decoder.fc.{i}.bias"]
        a = nn.functional.leaky_relu(a) if i < 4 else a[..., 0]
    found = ScGPT.from_checkpoint(folder, GENES, dtype=torch.float64).reconstruct(x)
    torch.testing.assert_close(found[:, at].detach(), a.detach())
    unknown = [i for i in range(len(GENES)) if i not in at]
    assert len(unknown) == 4
    assert found[:, unknown].isnan().all()
    (gradient,) = torch.autograd.grad(found[:, at].sum(), x)
    assert gradient[:, at].any()
    assert not gradient[:, unknown].any()
    seen = ScGPT.from_checkpoint(folder, GENES, zeros=False).reconstruct(x.detach())
    np.testing.assert_array_equal(seen.isnan()[:, at], x.detach()[:, at] == 0)


def test_gene_embeddings_are_those_of_tokens_in_the_order_of_the_panel(write):
    folder = write()
    found = ScGPT.from_checkpoint(folder, GENES).gene_embeddings
    state = torch.load(folder / "best_model.pt")
    vocabulary = json.loads((folder / "vocab.json").read_text())
    entries = {"GENE7": "gene7", "WARS1": "WARS"}
    assert (found.dtype, found.shape) == (np.float64, (len(GENES), D))
    for gene, row in zip(GENES, found, strict=True):
        token = vocabulary.get(entries.get(gene, gene))
        if token is None:
            assert np.isnan(row).all()
            continue
        letter = state["encoder.embedding.weight"][token].double().numpy()
        letter = (letter - letter.mean()) / np.sqrt(letter.var() + 1e-5)
        wanted = letter * state["encoder.enc_norm.weight"].numpy() + state["encoder.enc_norm.bias"].numpy()
        np.testing.assert_allclose(row, wanted, rtol=1e-4, atol=1e-5)


def test_gradient_through_the_values(write):
    X = states(2)
    # At zero itself there is a step; below it there is nothing.
    x = torch.where(X > 0, X, -1.0).requires_grad_()
    scgpt = ScGPT.from_checkpoint(write(), GENES, temperature=2.0, dtype=torch.float64)
    assert torch.autograd.gradcheck(scgpt.encode, x, eps=1e-7, atol=1e-5)


def test_exact_bins_have_the_gradient_of_the_model_times_their_slope(write):
    scgpt = ScGPT.from_checkpoint(write(), GENES, dtype=torch.float64)
    x = states(2).requires_grad_()
    u = states(2, D, seed=1)
    (found,) = torch.autograd.grad(scgpt.encode(x), x, u)
    at = scgpt.function.at
    known = x.detach()[:, at].requires_grad_()
    bins = quantile_bins(known)
    values = torch.cat([torch.full((2, 1), -2.0).double(), bins], -1).detach()
    eps, slopes = 1e-6, []
    for j in range(1, values.shape[1]):
        ends = []
        for sign in (1, -1):
            moved = values.clone()
            moved[:, j] += sign * eps
            hidden = scgpt.function.model(torch.cat([scgpt.function.cell, scgpt.function.tokens]), moved)[:, 0]
            ends.append((hidden / hidden.norm(dim=-1, keepdim=True) * u).sum(-1))
        slopes.append((ends[0] - ends[1]) / (2 * eps))
    (expected,) = torch.autograd.grad(bins, known, torch.stack(slopes, -1))
    torch.testing.assert_close(found[:, at], expected, rtol=1e-4, atol=1e-6)


def test_batches_and_shapes_and_precision_change_nothing(write):
    folder, x = write(), states(6)
    # In double precision: how single precision adds up depends on the number of states and of threads.
    whole, parts = (ScGPT.from_checkpoint(folder, GENES, batch_size=n, dtype=torch.float64) for n in (None, 4))
    torch.testing.assert_close(parts.encode(x), whole.encode(x))
    torch.testing.assert_close(whole.encode(x.reshape(2, 3, -1)), whole.encode(x).reshape(2, 3, D))
    torch.testing.assert_close(whole.reconstruct(x[0]), whole.reconstruct(x)[0], equal_nan=True)
    gradients = []
    for scgpt in (whole, parts):
        y = x.clone().requires_grad_()
        gradients.append(torch.autograd.grad(scgpt.encode(y).pow(3).sum(), y)[0])
    torch.testing.assert_close(*gradients)
    single = ScGPT.from_checkpoint(folder, GENES)
    assert (single.encode(x).dtype, single.encode(x.float()).dtype) == (torch.float64, torch.float32)
    torch.testing.assert_close(single.encode(x), whole.encode(x), rtol=1e-3, atol=1e-5)
    places = ((dtype, torch.device("cpu")) for dtype in (torch.float32, torch.float64))
    assert (placement(single), placement(whole)) == tuple(places)


def test_the_encoder_is_frozen_and_says_what_it_is(write):
    scgpt = ScGPT.from_checkpoint(write(), GENES)
    assert (scgpt.name, scgpt.affine, scgpt.input) == ("scgpt", False, "log")
    assert not scgpt.function.training
    assert not any(parameter.requires_grad for parameter in scgpt.function.parameters())
    assert scgpt.mapping.missing == ("GENE2", "GENE4", "GENE6", "GENE10")
    assert scgpt.mapping.renamed == {"GENE7": "gene7", "WARS1": "WARS"}
    require_differentiable(scgpt, states(2))


def test_fingerprint_tells_everything_that_decides_the_output(write):
    def of(folder, genes=GENES, **settings):
        return ScGPT.from_checkpoint(folder, genes, **settings).fingerprint()

    folder = write()
    same = of(folder)
    assert of(folder, batch_size=1) == same
    others = [
        of(folder, temperature=1.0),
        of(folder, zeros=False),
        of(folder, normalise=False),
        of(folder, GENES[::-1]),
    ]
    others += [of(write(args={"n_bins": 21})), of(write(args={"pad_value": -3}))]
    others += [of(write(tensors={"decoder.fc.4.bias": torch.ones(1)}))]
    assert len({same, *others}) == len(others) + 1


def test_special_tokens_are_appended_where_they_lack(write):
    x = states()
    expected = ScGPT.from_checkpoint(write(), GENES).encode(x)
    torch.testing.assert_close(ScGPT.from_checkpoint(write(special=False), GENES).encode(x), expected)


def test_special_tokens_are_no_genes(write):
    scgpt = ScGPT.from_checkpoint(write(), [*GENES, "<cls>", "<PAD>"])
    assert scgpt.mapping.missing[-2:] == ("<cls>", "<PAD>")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"args": {"input_emb_style": "category"}}, "input_emb_style='category'"),
        ({"drop": ["value_encoder.norm.bias"]}, "'value_encoder.norm.bias' is missing"),
        ({"drop": ["transformer_encoder.layers.1.self_attn.Wqkv.weight"]}, "self_attn.in_proj_weight' is missing"),
        ({"tensors": {"decoder.fc.0.bias": torch.ones(3)}}, r"'decoder.fc.0.bias' is \(3,\), not \(8,\)"),
        ({"tensors": {"bn.weight": torch.ones(D)}}, "'bn.weight' is left over"),
        ({"args": {"nlayers": 1}}, "'transformer_encoder.layers.1.*left over"),
        ({"tensors": {"encoder.embedding.weight": torch.ones(99, D)}}, r"has 99 rows"),
        ({"known": ["MOUSE1", "MOUSE2"]}, "only 0 of 12 genes are known"),
    ],
)
def test_checkpoints_that_do_not_fit(write, change, message):
    with pytest.raises(InputError, match=message):
        ScGPT.from_checkpoint(write(**change), GENES)


@pytest.mark.parametrize("name", ["args.json", "vocab.json", "best_model.pt"])
def test_files_that_are_missing(write, name):
    folder = write()
    (folder / name).unlink()
    with pytest.raises(StorageError, match=f"{name}' is no file"):
        ScGPT.from_checkpoint(folder, GENES)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("args.json", "[1]", "args.json holds a list"),
        ("vocab.json", '{"GENE1": 1, "GENE2": 7}', "not 0, 1, 2"),
        ("vocab.json", '{"GENE1": "a"}', "not 0, 1, 2"),
    ],
)
def test_files_of_another_kind(write, name, text, message):
    folder = write()
    (folder / name).write_text(text)
    with pytest.raises(InputError, match=message):
        ScGPT.from_checkpoint(folder, GENES)


@pytest.mark.parametrize(
    ("settings", "message"), [({"temperature": -1}, "temperature=-1"), ({"batch_size": 0}, "batch_size")]
)
def test_settings_that_cannot_be(write, settings, message):
    with pytest.raises(InputError, match=message):
        ScGPT.from_checkpoint(write(), GENES, **settings)


def test_states_of_another_panel(write):
    with pytest.raises(InputError, match="x has 5 genes, but encoder='scgpt' was made for 12"):
        ScGPT.from_checkpoint(write(), GENES).encode(torch.ones(2, 5))


def test_fit_and_transmission(write):
    adata = sc_c.datasets.simulated("tiny")
    names = list(adata.var_names)
    scgpt = ScGPT.from_checkpoint(write(names[::-1][: len(names) - 3]), names)
    assert len(scgpt.mapping.missing) == 3
    sc_c.tl.fit(adata, encoder=scgpt, max_epochs=3)
    assert np.isfinite(adata.varm["clamp_A"]).all()
    assert np.isfinite(adata.uns["clamp"]["history"]["loss"]).all()
    assert json.loads(adata.uns["clamp"]["params"])["encoder_sha256"] == scgpt.fingerprint()
    options = {"n_cells": 4, "n_seeds": 2, "n_bootstrap": 10, "rng": 0}
    found = sc_c.tl.transmission(adata, scgpt, **options).set_index(["encoder", "basis"]).loc["scgpt"]
    assert (found[["preserved", "infinitesimal"]] > 0).all().all()


def test_panel_of_the_real_vocabulary(write, shared_data):
    path = shared_data / "vocabularies" / "scgpt_default_gene_vocab.json"
    if not path.is_file():
        pytest.skip("no vocabulary of scGPT")
    vocabulary = json.loads(path.read_text())
    folder = write(list(vocabulary))
    (folder / "vocab.json").write_text(path.read_text())
    genes = ["GATA1", "Klf1", "SPI1", "no gene of ours"]
    scgpt = ScGPT.from_checkpoint(folder, genes)
    assert scgpt.mapping.tokens.tolist() == [vocabulary["GATA1"], vocabulary["KLF1"], vocabulary["SPI1"], -1]
    assert scgpt.encode(states(2, 4)).shape == (2, D)


@pytest.mark.parametrize("temperature", [0.0, 0.5])
def test_states_that_are_no_numbers(check_unknown, write, temperature):
    check_unknown(ScGPT.from_checkpoint(write(), GENES, temperature=temperature, batch_size=3), states(4))


def test_the_file_itself_may_be_given_under_any_name(write):
    folder = write()
    (folder / "best_model.pt").rename(folder / "epoch7.pt")
    x = states().float()
    assert ScGPT.from_checkpoint(folder / "epoch7.pt", GENES).encode(x).shape == (3, D)
    with pytest.raises(StorageError, match=r"best_model.pt' is no file. Its folder holds .*epoch7.pt"):
        ScGPT.from_checkpoint(folder, GENES)


def test_without_its_head_it_encodes_and_says_what_it_lacks(write):
    x = states().float()
    expected = ScGPT.from_checkpoint(write(), GENES).encode(x)
    head = [name for name in weights(len(KNOWN) + 3) if name.startswith("decoder.")]
    lens = ScGPT.from_checkpoint(write(drop=head), GENES)
    assert torch.equal(lens.encode(x), expected)
    with pytest.raises(InputError, match=r"holds no expression head \('decoder.fc.0.weight'"):
        lens.reconstruct(x)
    with pytest.raises(InputError, match=r"'decoder.fc.0.weight' is missing"):
        ScGPT.from_checkpoint(write(drop=head[:1]), GENES)


def test_tokens_that_were_appended_are_told_where_weights_have_no_rows_for_them(write):
    folder = write(special=False, tensors={"encoder.embedding.weight": torch.ones(len(KNOWN), D)})
    message = r"vocab.json holds 9 entries and, since it lacks them, <pad>, <cls>, <eoc> appended, .* has 9 rows"
    with pytest.raises(InputError, match=message):
        ScGPT.from_checkpoint(folder, GENES)
    folder = write(tensors={"encoder.embedding.weight": torch.ones(20, D)})
    with pytest.raises(InputError, match=r"vocab.json holds 12 entries, but 'encoder.embedding.weight' has 20 rows"):
        ScGPT.from_checkpoint(folder, GENES)


def test_an_anndata_is_no_list_of_names(write):
    with pytest.raises(InputError, match=r"genes='AnnData' is no list of names. Pass adata.var_names"):
        ScGPT.from_checkpoint(write(), sc_c.datasets.simulated("tiny"))


@pytest.mark.filterwarnings("ignore:CUDA initialization")
def test_a_device_or_a_precision_that_cannot_be_is_named(write):
    folder = write()
    with pytest.raises(InputError, match="device='nonsense' cannot be used"):
        ScGPT.from_checkpoint(folder, GENES, device="nonsense")
    with pytest.raises(InputError, match=r"dtype=torch\.int32 is no floating precision"):
        ScGPT.from_checkpoint(folder, GENES, dtype=torch.int32)
