"""The scVI lens from really trained models: against scvi-tools, and through everything that takes an encoder."""

import copy
import pickle
import warnings

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import torch

import scclamp as sc_c
from scclamp._assignment import assign
from scclamp._errors import InputError, InputWarning
from scclamp.conditions import Conditions
from scclamp.encoders import SCVI, cached, check, encoded_means, placement, require_differentiable

# The counts of states are no whole numbers, which scvi-tools takes for another kind of data.
pytestmark = pytest.mark.filterwarnings("ignore:.*does not contain unnormalized count data:UserWarning")
DEPTH = 7_000
GIVEN = {"depth": DEPTH, "batch": "q"}


@pytest.fixture(scope="module")
def adata():
    return sc_c.datasets.simulated("tiny")


@pytest.fixture(scope="module")
def genes(adata):
    return list(adata.var_names)


@pytest.fixture(scope="module")
def lens(trained_scvi, genes):
    return SCVI(trained_scvi, genes, dtype=torch.float64, **GIVEN)


def states(n=6, genes=60, seed=0):
    rng = np.random.default_rng(seed)
    return torch.as_tensor(rng.gamma(0.7, 1.5, (n, genes)) * (rng.random((n, genes)) < 0.8))


def latent(model, x, genes, *, target_sum=1e4):
    """What scvi-tools says of cells with these counts, made with numpy and pandas."""
    counts = pd.DataFrame((np.exp(x.numpy()) - 1) * DEPTH / target_sum, columns=genes)
    counts = counts.reindex(columns=model.adata.var_names, fill_value=0.0)
    names = [f"s{i}" for i in range(len(x))]
    cells = ad.AnnData(counts.set_axis(names).astype(np.float32), obs=pd.DataFrame({"batch": "q"}, index=names))
    with torch.random.fork_rng(devices=[]):
        return model.get_latent_representation(cells)


def test_states_are_encoded_as_cells_with_their_counts(trained_scvi, lens, genes):
    x = states()
    np.testing.assert_allclose(lens.encode(x), latent(trained_scvi, x, genes), rtol=1e-4, atol=1e-5)
    other = SCVI(trained_scvi, genes[::-1], target_sum=2_000, **GIVEN)
    expected = latent(trained_scvi, x.flip(-1), genes, target_sum=2_000)
    np.testing.assert_allclose(other.encode(x.float()), expected, rtol=1e-3, atol=1e-4)


def test_cells_of_the_training_are_encoded_as_they_were(trained_scvi, simulated_counts, genes):
    counts = simulated_counts.X.toarray()
    alike = np.flatnonzero((simulated_counts.obs["batch"] == "q").to_numpy())[:20]
    library = counts[alike].sum(1)
    expected = trained_scvi.get_latent_representation(indices=alike)
    for row, n, value in zip(counts[alike], library, expected, strict=True):
        x = torch.as_tensor(np.log1p(row / n * 1e4))
        found = SCVI(trained_scvi, genes, depth=float(n), batch="q").encode(x)
        np.testing.assert_allclose(found, value, rtol=1e-3, atol=1e-4)


def test_disk_and_memory_are_one(trained_scvi, lens, genes, tmp_path):
    trained_scvi.save(tmp_path / "model")
    saved = SCVI.from_saved(tmp_path / "model", genes, dtype=torch.float64, **GIVEN)
    x = states()
    assert torch.equal(saved.encode(x), lens.encode(x))
    assert torch.equal(saved.reconstruct(x), lens.reconstruct(x))
    assert saved.fingerprint() == lens.fingerprint()


def test_gradients(lens):
    x = states(2)
    # At zero itself there is a kink; below it there is nothing.
    x = torch.where(x > 0, x, -1.0).requires_grad_()
    assert torch.autograd.gradcheck(lens.encode, x)
    assert torch.autograd.gradcheck(lens.reconstruct, x)
    (gradient,) = torch.autograd.grad(lens.encode(x).sum(), x)
    assert gradient[x > 0].any()
    assert not gradient[x < 0].any()
    require_differentiable(lens, states(2))


def test_shapes_and_precision(trained_scvi, lens, genes):
    x = states()
    for of in (lens.encode, lens.reconstruct):
        torch.testing.assert_close(of(x.reshape(2, 3, -1)), of(x).reshape(2, 3, -1), rtol=0, atol=1e-12)
        torch.testing.assert_close(of(x[0]), of(x)[0], rtol=0, atol=1e-12)
        assert (of(x).dtype, of(x.float()).dtype) == (torch.float64, torch.float32)
        assert len(of(x[:0])) == 0
    single = SCVI(trained_scvi, genes, **GIVEN)
    torch.testing.assert_close(single.encode(x), lens.encode(x), rtol=1e-3, atol=1e-4)
    assert (placement(single), placement(lens)) == tuple(
        (d, torch.device("cpu")) for d in (torch.float32, torch.float64)
    )
    torch.testing.assert_close(lens.encode(-x - 1), lens.encode(torch.zeros_like(x)))


def test_the_total_of_a_state_is_kept(lens):
    x = states()
    found = lens.reconstruct(x)
    torch.testing.assert_close(found.expm1().sum(-1), x.expm1().sum(-1))
    assert (found.expm1() / x.expm1().sum(-1, keepdim=True)).std(0).max() > 1e-4  # and not one profile for all


def test_part_of_the_genes(trained_scvi, genes):
    panel = [*genes[50:9:-1], "unknown", "unheard"]
    with pytest.warns(InputWarning, match=r"lacks 19 of the 60 genes that the model reads: 'GENE0001'"):
        lens = SCVI(trained_scvi, panel, dtype=torch.float64, **GIVEN)
    assert lens.absent == (*genes[:10], *genes[51:])
    assert lens.mapping.missing == ("unknown", "unheard")
    x = states(genes=43)
    np.testing.assert_allclose(lens.encode(x), latent(trained_scvi, x, panel), rtol=1e-4, atol=1e-5)
    y = x.clone()
    y[:, -2:] += 1
    torch.testing.assert_close(lens.encode(y), lens.encode(x))
    found = lens.reconstruct(x)
    assert found[:, -2:].isnan().all()
    torch.testing.assert_close(found[:, :-2].expm1().sum(-1), x[:, :-2].expm1().sum(-1))
    assert np.isnan(lens.gene_embeddings[-2:]).all()


def test_names_that_differ(trained_scvi, genes):
    panel = [genes[0].lower(), "mine", *genes[2:]]
    with warnings.catch_warnings():
        warnings.simplefilter("error", InputWarning)
        lens = SCVI(trained_scvi, panel, aliases={"mine": genes[1]}, **GIVEN)
    assert lens.mapping.renamed == {panel[0]: genes[0], "mine": genes[1]}
    assert lens.absent == ()


def test_embeddings_of_genes(trained_scvi, lens, genes):
    weight = trained_scvi.module.decoder.px_scale_decoder[0].weight.detach().double().numpy()
    np.testing.assert_allclose(lens.gene_embeddings, weight - weight.mean(0), atol=1e-12)
    backwards = SCVI(trained_scvi, genes[::-1], **GIVEN)
    np.testing.assert_allclose(backwards.gene_embeddings[::-1], lens.gene_embeddings, atol=1e-6)


def test_the_model_is_left_alone(trained_scvi, genes, untouched_rng):
    model = copy.deepcopy(trained_scvi)
    model.module.train()
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    with untouched_rng():
        lens = SCVI(model, genes, **GIVEN)
        first = lens.encode(states().requires_grad_())
        first.sum().backward()
    assert model.module.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.module.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.module.state_dict().items())
    assert not lens.function.training
    assert not any(parameter.requires_grad for parameter in lens.function.parameters())
    with torch.no_grad():
        for value in model.module.state_dict().values():
            value.zero_()
    assert torch.equal(lens.encode(states()), first)


def test_copies(lens):
    x = states()
    for other in (copy.deepcopy(lens), pickle.loads(pickle.dumps(lens))):
        assert torch.equal(other.encode(x), lens.encode(x))
        assert other.fingerprint() == lens.fingerprint()
    assert (lens.name, lens.affine, lens.input, lens.batch) == ("scvi", False, "counts", "q")


def test_fingerprint_tells_everything_that_decides_the_output(scvi_model, trained_scvi, genes):
    def of(model=trained_scvi, genes=genes, **changes):
        return SCVI(model, genes, **{**GIVEN, **changes}).fingerprint()

    same = of()
    assert of() == same
    others = [of(depth=DEPTH + 1), of(target_sum=2e4), of(batch="p"), of(genes=genes[::-1]), of(name="mine")]
    others += [of(genes=[genes[0].lower(), *genes[1:]]), of(scvi_model(encode_covariates=True, n_layers=2))]
    others += [of(scvi_model()), of(scvi_model(), batch="p"), of(scvi_model(log_variational=False))]
    assert len({same, *others}) == len(others) + 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch": None}, r"batch=None is not one of the 3 batches of the model, 'p', 'q', 'r'\. Name the one"),
        ({"batch": "Q"}, "batch='Q' is not .* Did you mean 'q'"),
        ({"depth": None}, "depth=None is no library size.*full transcriptome.*the sum over a panel is not it"),
        ({"depth": 0}, "depth=0 is no library size"),
        ({"depth": float("nan")}, "depth=nan is no library size"),
        ({"depth": True}, "depth=True is no library size"),
        ({"target_sum": -1}, "target_sum=-1 is no library size"),
    ],
)
def test_settings_that_cannot_be(trained_scvi, genes, change, message):
    with pytest.raises(InputError, match=message):
        SCVI(trained_scvi, genes, **{**GIVEN, **change})


def test_panels_that_cannot_be(trained_scvi, lens, genes):
    with pytest.raises(InputError, match="only 0 of 2 genes are known"):
        SCVI(trained_scvi, ["MOUSE1", "MOUSE2"], **GIVEN)
    with pytest.raises(InputError, match="'GENE0001' more than once"):
        SCVI(trained_scvi, [genes[0], *genes], **GIVEN)
    with pytest.raises(InputError, match="x has 5 genes, but encoder='scvi' was made for 60"):
        lens.encode(torch.ones(2, 5))


def test_the_only_batch_needs_no_name(scvi_model, genes):
    model = scvi_model(setup={})
    assert SCVI(model, genes, depth=DEPTH).batch == "0"


def test_check_and_cache_and_means(adata, lens, tmp_path):
    report = check(lens, adata, n_cells=8, rng=0)
    passed = report.table.set_index("check")["passed"]
    assert passed[["gradient flow", "repeatability", "one by one"]].all()
    cells = assign(adata, rng=0)
    conditions = Conditions.from_cells(adata, cells)
    train, _ = encoded_means(lens, conditions, adata, cells=cells)
    kept = cached(lens, tmp_path)
    for _ in range(2):
        np.testing.assert_array_equal(encoded_means(kept, conditions, adata, cells=cells)[0], train)


def test_fit_transmission_and_probes(adata, lens):
    sc_c.tl.fit(adata, encoder=lens, max_epochs=3)
    assert np.isfinite(adata.varm["clamp_A"]).all()
    options = {"n_cells": 4, "n_seeds": 2, "n_bootstrap": 10, "rng": 0}
    found = sc_c.tl.transmission(adata, lens, **options).set_index(["encoder", "basis"]).loc["scvi"]
    assert (found[["preserved", "infinitesimal"]] > 0).all().all()
    for method in ("gradient", "virtual", "embedding"):
        edges = sc_c.tl.probe_grn(adata, lens, sources=["REG01", "REG02"], method=method, n_cells=4, rng=0)
        assert len(edges) == 2 * 59
        assert edges["score"].gt(0).any()


def test_states_that_are_no_numbers(check_unknown, lens):
    check_unknown(lens, states(4))
