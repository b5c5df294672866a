import contextlib
import warnings

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch

from scclamp._errors import InputError


@pytest.fixture(scope="session")
def screen():
    """Sparse cells of a control and three perturbations, 70 genes."""
    rng = np.random.default_rng(0)
    labels = np.repeat(["control", "G0", "G1", "G2"], [90, 30, 30, 30])
    X = rng.gamma(1.0, 1.0, (180, 1)) * rng.gamma(0.5, 1.0, (180, 70)) * (rng.random((180, 70)) < 0.5)
    obs = pd.DataFrame({"perturbation": labels}, index=[f"c{i}" for i in range(180)])
    return ad.AnnData(sp.csr_matrix(X), obs=obs, var=pd.DataFrame(index=[f"G{i}" for i in range(70)]))


@pytest.fixture(scope="session")
def simulated_counts():
    """Counts of the simulated screen, of 60 genes, with covariates that mean nothing."""
    import scclamp as sc_c

    adata = sc_c.datasets.simulated("tiny")
    rng = np.random.default_rng(0)
    counts = ad.AnnData(adata.layers["counts"].copy(), obs=adata.obs.copy(), var=adata.var[[]].copy())
    counts.obs["batch"] = rng.choice(["p", "q", "r"], counts.n_obs)
    counts.obs["size"] = np.asarray(counts.X.sum(1)).ravel() / 1e4
    counts.obs["percent"] = rng.random(counts.n_obs)
    return counts


@pytest.fixture(scope="session")
def scvi_model(simulated_counts, tmp_path_factory):
    """A function that makes an scVI model: trained for some epochs, or with weights and averages drawn at random."""
    import scvi
    import torch

    def make(epochs=0, *, setup=(("batch_key", "batch"),), of=scvi.model.SCVI, **options):
        counts = simulated_counts.copy()
        of.setup_anndata(counts, **dict(setup))
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            # lightning 2.6 asks torch for what torch 2.15 has deprecated.
            warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning)
            torch.manual_seed(0)
            model = of(counts, n_hidden=16, n_latent=4, **options)
            if epochs:
                quiet = {"enable_progress_bar": False, "log_every_n_steps": 1}
                # Before 1.5 it writes a log where it stands.
                with contextlib.chdir(tmp_path_factory.mktemp("scvi")):
                    model.train(max_epochs=epochs, accelerator="cpu", **quiet)
                return model
            for name, value in model.module.state_dict().items():
                if value.is_floating_point():
                    value.add_(
                        torch.rand_like(value) if name.endswith("running_var") else 0.3 * torch.randn_like(value)
                    )
        model.module.eval()
        model.is_trained = True
        return model

    return make


@pytest.fixture(scope="session")
def trained_scvi(scvi_model):
    """A model of two layers, trained for a while, whose encoder reads the batch."""
    return scvi_model(5, encode_covariates=True, n_layers=2)


@pytest.fixture
def check_unknown():
    """What every foundation model does with states that are not numbers."""

    def check(lens, x):
        """Refused where cells are encoded; NaN, and no gradient, for those states alone where a gradient is wanted."""
        asked = [lens.encode, *([lens.reconstruct] if hasattr(lens, "reconstruct") else [])]
        bad = torch.arange(len(x)) % 2 == 0
        for value in (torch.nan, torch.inf, -torch.inf):
            y = x.clone()
            y[bad, 1] = value
            for ask in asked:
                message = (
                    f"x holds {bad.sum()} values .* in {bad.sum()} of {len(x)} states, and encoder='{lens.name}'.*leave"
                )
                with pytest.raises(InputError, match=message):
                    ask(y)
                whole, some = x.clone().requires_grad_(), y.clone().requires_grad_()
                expected, found = ask(whole), ask(some)
                assert found[bad].isnan().all()
                torch.testing.assert_close(found[~bad], expected[~bad], rtol=1e-5, atol=1e-6, equal_nan=True)
                (slope,) = torch.autograd.grad(found.nan_to_num().pow(2).sum(), some)
                (wanted,) = torch.autograd.grad(expected[~bad].nan_to_num().pow(2).sum(), whole)
                torch.testing.assert_close(slope, wanted, rtol=1e-4, atol=1e-5)

    return check
