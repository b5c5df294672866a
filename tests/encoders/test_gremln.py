"""GREmLN from files in the released layout, and in a fit and a probe."""

import numpy as np
import pandas as pd
import pytest
import torch

from scclamp import datasets, tl
from scclamp._errors import InputError, StorageError
from scclamp.encoders import Encoder, GREmLN, placement, require_differentiable
from scclamp.encoders._gremln_model import GREmLNModel, GREmLNSizes


@pytest.fixture(scope="module")
def screen():
    return datasets.simulated("tiny")


@pytest.fixture(scope="module")
def identifiers(screen):
    """Ensembl identifiers with versions; those of the last three genes are not in the vocabulary."""
    return [f"ENSG{i:011d}.{i % 7}" for i in range(screen.n_vars)]


@pytest.fixture(scope="module")
def network(screen):
    rng = np.random.default_rng(0)
    names = screen.var_names.to_numpy()
    table = pd.DataFrame({"source": rng.choice(names, 200), "target": rng.choice(names, 200)})
    return pd.concat([table, table.rename(columns={"source": "target", "target": "source"})], ignore_index=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, identifiers):
    path = tmp_path_factory.mktemp("gremln")
    known = [name.split(".")[0] for name in identifiers[:-3]]
    names = ["<PAD>", "<MASK>", *known, "<CLS>"]
    table = pd.DataFrame({"gene_name": names, "idx": range(len(names))})
    table.to_csv(path / "gene_vocab.csv", index=False)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = GREmLNModel(GREmLNSizes(len(names), 23, 8, 8, 16, 2, 8))
    torch.save({"state_dict": model.state_dict(), "epoch": 0}, path / "model.ckpt")
    return path


@pytest.fixture(scope="module")
def rows(screen):
    return torch.as_tensor(screen[:6].to_df().to_numpy(copy=True))


def test_released_layout_is_read(folder, screen, identifiers, rows):
    gremln = GREmLN.from_checkpoint(folder, screen.var_names, ensembl=identifiers)
    assert isinstance(gremln, Encoder)
    assert (gremln.name, gremln.affine, gremln.input) == ("gremln", False, "log")
    assert gremln.mapping.missing == tuple(screen.var_names[-3:])
    assert gremln.mapping.tokens[:-3].tolist() == list(range(2, screen.n_vars - 1))
    assert placement(gremln) == (torch.float32, torch.device("cpu"))
    assert not any(p.requires_grad for p in gremln.function.parameters())
    found = gremln.encode(rows)
    assert found.shape == (6, 16)
    assert found.dtype == rows.dtype
    assert gremln.encode(rows.double().reshape(2, 3, -1)).shape == (2, 3, 16)
    assert gremln.encode(rows.double()).dtype == torch.float64
    require_differentiable(gremln, rows)


def test_panels_of_identifiers_and_of_names_agree(folder, screen, identifiers, network, rows):
    by_name = GREmLN.from_checkpoint(folder, screen.var_names, ensembl=identifiers, network=network)
    plain = dict(zip(screen.var_names, [name.split(".")[0] for name in identifiers], strict=True))
    translated = network.replace(plain)
    others = [
        GREmLN.from_checkpoint(folder / "model.ckpt", identifiers, network=translated),
        GREmLN.from_checkpoint(folder, screen.var_names, ensembl=plain, network=translated),
    ]
    for other in others:
        torch.testing.assert_close(other.encode(rows), by_name.encode(rows))
        assert other.fingerprint() == by_name.fingerprint()


def test_every_setting_changes_the_embedding_and_the_fingerprint(folder, screen, identifiers, network, rows):
    def make(**settings):
        return GREmLN.from_checkpoint(folder, screen.var_names, ensembl=identifiers, **settings)

    signed = network.assign(weight=np.tile([1.0, -2.0], len(network) // 2))
    kinds = [
        {},
        {"embedding": "cls"},
        {"embedding": "mean_cls"},
        {"zeros": False},
        {"temperature": 0.4},
        {"network": network},
        {"network": network, "beta": 2.0},
        {"network": network, "order": 1, "beta": 2.0},
        {"network": network, "parity": True},
        {"network": signed},
        {"network": signed, "signed": True},
    ]
    lenses = [make(**kind) for kind in kinds]
    assert len({lens.fingerprint() for lens in lenses}) == len(kinds)
    assert lenses[0].fingerprint() == make().fingerprint()
    found = torch.stack([lens.encode(rows) for lens in lenses])
    gaps = torch.cdist(found.flatten(1).double(), found.flatten(1).double())
    assert gaps[~torch.eye(len(kinds), dtype=torch.bool)].min() > 1e-4


def test_batches_change_neither_embeddings_nor_gradients(folder, screen, identifiers, network, rows):
    found = []
    for batch_size in (None, 4, 1):
        gremln = GREmLN.from_checkpoint(
            folder, screen.var_names, ensembl=identifiers, network=network, zeros=False, batch_size=batch_size
        )
        x = rows.clone().requires_grad_()
        value = gremln.encode(x)
        (slope,) = torch.autograd.grad(value.square().sum(), x)
        found.append((value.detach(), slope, gremln.reconstruct(rows).nan_to_num(-1)))
    for other in found[1:]:
        for mine, wanted in zip(other, found[0], strict=True):
            torch.testing.assert_close(mine, wanted, atol=1e-5, rtol=1e-5)


def test_reconstruction_covers_the_genes_that_are_known(folder, screen, identifiers, rows):
    gremln = GREmLN.from_checkpoint(folder, screen.var_names, ensembl=identifiers)
    x = rows.clone().requires_grad_()
    rank, expression = gremln.reconstruct(x), gremln.reconstruct(x, space="expression")
    for found in (rank, expression):
        assert found[:, -3:].isnan().all()
        assert found[:, :-3].isfinite().all()
        assert torch.autograd.grad(found[:, :-3].sum(), x, retain_graph=True)[0].any()
    assert 0 < rank[:, :-3].min() < rank[:, :-3].max() < 19
    assert (expression[:, :-3].amax(1) <= rows.amax(1) + 1e-4).all()
    with pytest.raises(InputError, match="space='counts'"):
        gremln.reconstruct(rows, space="counts")


def test_gene_embeddings_are_rows_of_the_table(folder, screen, identifiers):
    found = GREmLN.from_checkpoint(folder, screen.var_names[::-1], ensembl=identifiers[::-1]).gene_embeddings
    table = torch.load(folder / "model.ckpt", weights_only=True)["state_dict"]["gene_embedding.weight"]
    assert found.dtype == np.float64
    assert np.isnan(found[:3]).all()
    # <PAD> and <MASK> stand before the genes, <CLS> behind them.
    np.testing.assert_array_equal(found[3:][::-1], table[2:-1].double().numpy())


# torch itself, when it loads what forward mode needs.
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:FutureWarning")
@pytest.mark.parametrize("temperature", [0.0, 0.5])
def test_forward_derivatives_are_those_of_backward(folder, screen, identifiers, network, rows, temperature):
    gremln = GREmLN.from_checkpoint(
        folder, screen.var_names, ensembl=identifiers, network=network, temperature=temperature, dtype=torch.float64
    )
    x = rows[:2].double()
    v = torch.as_tensor(np.random.default_rng(0).normal(size=x.shape))
    forward = torch.func.jvp(gremln.encode, (x,), (v,))[1]
    J = torch.autograd.functional.jacobian(gremln.encode, x)
    torch.testing.assert_close(forward, torch.einsum("idjg,jg->id", J, v))
    assert forward.any()


def test_a_fit_and_a_probe_run_through_it(folder, screen, identifiers, network):
    gremln = GREmLN.from_checkpoint(folder, screen.var_names, ensembl=identifiers, network=network)
    adata = screen.copy()
    tl.fit(adata, encoder=gremln, max_epochs=3, n_seeds=1, rng=0)
    assert np.isfinite(adata.varm["clamp_A"]).all()
    found = tl.transmission(adata, gremln, basis="gamma", n_cells=4, n_seeds=1, n_bootstrap=10, rng=0)
    of_gremln = found.set_index("encoder").loc["gremln"]
    assert of_gremln["preserved"] > 0
    assert of_gremln["infinitesimal"] > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"parity": True}, "parity=True needs `network`"),
        ({"temperature": -1.0}, "temperature=-1.0"),
        ({"target_sum": 0}, "target_sum=0"),
        ({"embedding": "max"}, "embedding='max'"),
        ({"n_heads": 3}, "n_heads=3 does not divide"),
        ({"vocabulary": {"<PAD>": 0, "<MASK>": 1, "<CLS>": 2}}, "its 3 tokens, 0 to 2, are not 0 to 59"),
    ],
)
def test_wrong_arguments_are_named(folder, screen, identifiers, settings, message):
    with pytest.raises(InputError, match=message):
        GREmLN.from_checkpoint(folder, screen.var_names, ensembl=identifiers, **settings)


def test_panels_and_states_that_do_not_fit_are_named(folder, screen, identifiers, rows):
    with pytest.raises(InputError, match="no Ensembl identifiers"):
        GREmLN.from_checkpoint(folder, screen.var_names)
    gremln = GREmLN.from_checkpoint(folder, screen.var_names, ensembl=identifiers)
    with pytest.raises(InputError, match="x has 5 genes, but encoder='gremln' was made for 60"):
        gremln.encode(rows[:, :5])


def test_damaged_checkpoints_are_named(folder, tmp_path, screen, identifiers):
    def read(tensors):
        torch.save(tensors, tmp_path / "model.pt")
        vocabulary = folder / "gene_vocab.csv"
        return GREmLN.from_checkpoint(tmp_path, screen.var_names, ensembl=identifiers, vocabulary=vocabulary)

    state = torch.load(folder / "model.ckpt", weights_only=True)["state_dict"]
    read(state)
    missing = {name: value for name, value in state.items() if name != "transformer_encoder.1.ff.2.bias"}
    with pytest.raises(InputError, match=r"'transformer_encoder\.1\.ff\.2\.bias' is missing"):
        read(missing)
    with pytest.raises(InputError, match=r"'transformer_encoder\.0\.wqkv\.Wqkv\.weight' is \(48, 15\), not \(48, 16\)"):
        read(state | {"transformer_encoder.0.wqkv.Wqkv.weight": torch.zeros(48, 15)})
    (tmp_path / "model.pt").unlink()
    with pytest.raises(StorageError, match="not one file of weights"):
        GREmLN.from_checkpoint(tmp_path, screen.var_names, ensembl=identifiers)


@pytest.mark.parametrize("temperature", [0.0, 0.5])
def test_states_that_are_no_numbers(check_unknown, folder, screen, identifiers, network, rows, temperature):
    given = {"ensembl": identifiers, "network": network, "batch_size": 3}
    check_unknown(GREmLN.from_checkpoint(folder, screen.var_names, temperature=temperature, **given), rows[:4])


def test_without_its_head_it_encodes_and_says_what_it_lacks(folder, screen, identifiers, rows, tmp_path):
    whole = GREmLN.from_checkpoint(folder, screen.var_names, ensembl=identifiers)
    content = torch.load(folder / "model.ckpt")
    state = content.get("state_dict", content)
    torch.save({n: v for n, v in state.items() if "rank_prediction_head" not in n}, tmp_path / "model.pt")
    (vocabulary,) = folder.glob("*.csv")
    lens = GREmLN.from_checkpoint(tmp_path / "model.pt", screen.var_names, vocabulary=vocabulary, ensembl=identifiers)
    assert torch.equal(lens.encode(rows), whole.encode(rows))
    with pytest.raises(InputError, match="holds no head"):
        lens.reconstruct(rows)
    with pytest.raises(InputError, match=r"genes='AnnData' is no list of names. Pass adata\.var_names"):
        GREmLN.from_checkpoint(folder, screen, ensembl=identifiers)
