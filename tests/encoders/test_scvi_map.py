"""The plain layers of the lens against scvi-tools' own answers, for every architecture that it makes."""

import copy

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import torch

from scclamp._errors import InputError
from scclamp.encoders._genes import map_genes
from scclamp.encoders._scvi_files import Trained
from scclamp.encoders._scvi_map import SCVIMap

# The counts of states are no whole numbers, which scvi-tools takes for another kind of data.
pytestmark = pytest.mark.filterwarnings("ignore:.*does not contain unnormalized count data:UserWarning")
SCALE = 0.8
ARCHITECTURES = {
    "default": {},
    "covariates in every layer": {"encode_covariates": True, "n_layers": 3},
    "covariates in the first layer": {"encode_covariates": True, "n_layers": 2, "deeply_inject_covariates": False},
    "vectors of batches": {"batch_representation": "embedding", "encode_covariates": True, "n_layers": 2},
    "vectors in the decoder": {"batch_representation": "embedding"},
    "layer norm, no logarithm": {"use_layer_norm": "both", "use_batch_norm": "none", "log_variational": False},
    "library of its own": {"use_observed_lib_size": False, "gene_likelihood": "nb", "dispersion": "gene-batch"},
    "other activation": {
        "extra_encoder_kwargs": {"activation_fn": torch.nn.SiLU, "bias": False},
        "var_activation": torch.nn.functional.softplus,
    },
}


def states(genes=60, n=9, seed=1):
    rng = np.random.default_rng(seed)
    return torch.as_tensor(rng.gamma(0.7, 1.5, (n, genes)) * (rng.random((n, genes)) < 0.8))


def lens(model, genes, batch="q"):
    trained = Trained.of(model)
    mapping = map_genes(genes, {gene: i for i, gene in enumerate(trained.genes)})
    return SCVIMap.of(trained.module, mapping, batch=trained.batch(batch), scale=SCALE).double().eval()


def as_cells(model, x, genes, batch="q"):
    """Cells with the counts that states stand for, in the genes of the model."""
    known = pd.DataFrame(np.expm1(x.clamp(min=0).numpy()) * SCALE, columns=genes)
    known = known.reindex(columns=model.adata.var_names, fill_value=0.0)
    names = [f"s{i}" for i in range(len(x))]
    obs = pd.DataFrame({"batch": batch, "size": 1.0}, index=names)
    return ad.AnnData(known.set_axis(names).astype(np.float32), obs=obs)


def latent(model, cells, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return model.get_latent_representation(cells, **options)


def shares(model, cells):
    """What the model expects at the latent mean: the latent variable is drawn, with hardly any variance."""
    sharp = copy.deepcopy(model)
    head = sharp.module.z_encoder.var_encoder
    with torch.no_grad():
        head.weight.zero_()
        head.bias.fill_(-60)
    sharp.module.z_encoder.var_eps = 1e-14
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return sharp.get_normalized_expression(cells, return_numpy=True)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture(scvi_model, name):
    model = scvi_model(**ARCHITECTURES[name])
    genes = list(model.adata.var_names[::-1])
    x = states()
    function, cells = lens(model, genes), as_cells(model, x, genes)
    np.testing.assert_allclose(function(x).detach().numpy(), latent(model, cells), rtol=1e-4, atol=1e-5)
    total = np.expm1(x.numpy()).sum(1, keepdims=True)
    expected = np.log1p(shares(model, cells)[:, ::-1] * total)
    np.testing.assert_allclose(function.reconstruct(x).detach().numpy(), expected, rtol=1e-4, atol=1e-5)
    assert expected.std(0).mean() > 0.01


def test_sizes_of_cells_that_are_given(scvi_model):
    model = scvi_model(setup={"batch_key": "batch", "size_factor_key": "size"})
    x, genes = states(), list(model.adata.var_names)
    share = shares(model, as_cells(model, x, genes))
    total = np.expm1(x.numpy()).sum(1, keepdims=True)
    expected = np.log1p(share / share.sum(1, keepdims=True) * total)
    assert abs(share.sum(1) - 1).min() > 0.1  # they are no shares of a whole in such a model
    found = lens(model, genes).reconstruct(x).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_mean_of_a_logistic_normal(scvi_model):
    model = scvi_model(latent_distribution="ln")
    x, genes = states(n=3), list(model.adata.var_names)
    function, cells = lens(model, genes), as_cells(model, x, genes)
    found = function(x).detach().numpy()
    expected = latent(model, cells, mc_samples=300_000)
    np.testing.assert_allclose(found, expected, atol=5e-3)
    mean, _ = latent(model, cells, return_dist=True)
    assert abs(torch.softmax(torch.as_tensor(mean), -1).numpy() - expected).max() > 0.02
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-12)
    np.testing.assert_array_equal(found, lens(model, genes)(x).detach().numpy())


def test_part_of_the_genes(scvi_model):
    model = scvi_model(encode_covariates=True)
    genes = [*np.random.default_rng(0).permutation(model.adata.var_names)[:40], "unknown", "unheard"]
    x = states(42)
    function, cells = lens(model, genes), as_cells(model, x, genes)
    np.testing.assert_allclose(function(x).detach().numpy(), latent(model, cells), rtol=1e-4, atol=1e-5)
    share = pd.DataFrame(shares(model, cells), columns=model.adata.var_names)[genes[:40]].to_numpy()
    total = np.expm1(x.numpy()[:, :40]).sum(1, keepdims=True)
    found = function.reconstruct(x).detach().numpy()
    np.testing.assert_allclose(found[:, :40], np.log1p(share / share.sum(1, keepdims=True) * total), rtol=1e-4)
    assert np.isnan(found[:, 40:]).all()


def test_batches_differ(scvi_model):
    model = scvi_model(encode_covariates=True)
    x, genes = states(), list(model.adata.var_names)
    found = {batch: lens(model, genes, batch)(x).detach().numpy() for batch in "pqr"}
    for batch, value in found.items():
        expected = latent(model, as_cells(model, x, genes, batch))
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)
    assert abs(found["p"] - found["q"]).max() > 0.01


def test_only_torch_is_left(trained_scvi):
    function = lens(trained_scvi, list(trained_scvi.adata.var_names))
    assert {type(part).__module__.split(".")[0] for part in function.modules()} == {"torch", "scclamp"}
    assert not any(isinstance(part, torch.nn.Dropout) for part in function.modules())
    assert "scale=0.8, log=True" in repr(function)


def test_variance_of_another_kind(scvi_model):
    model = scvi_model(latent_distribution="ln", var_activation=torch.nn.functional.softplus)
    with pytest.raises(InputError, match="var_activation of its own"):
        lens(model, list(model.adata.var_names))


def test_a_gene_at_zero_has_the_slope_that_raising_it_has(scvi_model):
    model = scvi_model()
    function = lens(model, list(model.adata.var_names))
    x = states(n=1)
    x[0, :30] = 0
    slopes = torch.func.jacrev(lambda state: function(state)[0])(x)[:, 0]
    for gene in (0, 11, 29):
        raised = x.clone()
        raised[0, gene] = 1e-6
        found = (function(raised) - function(x))[0].detach() / 1e-6
        torch.testing.assert_close(slopes[:, gene], found, rtol=1e-3, atol=1e-6)
        assert found.abs().max() > 1e-4
