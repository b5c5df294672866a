"""The maps of a model, and the cells whose mean is its state."""

import anndata as ad
import numpy as np
import pytest
import scipy.sparse as sp
import torch

from scclamp._errors import InputError
from scclamp.encoders import as_encoder
from scclamp.tl._probe_model import Model, typical_state


def test_reconstruct_of_the_call_comes_before_that_of_the_encoder():
    encoder = as_encoder(torch.nn.Linear(3, 3))
    encoder.reconstruct = torch.nn.ReLU()
    own = torch.nn.Linear(3, 3).double()
    model = Model.of(encoder, None, None, "gradient", 3)
    assert (model.reconstruct, model.dtype, model.name) == (encoder.reconstruct, torch.float32, "Linear")
    assert model.fingerprint == encoder.fingerprint()
    model = Model.of(encoder, own, None, "gradient", 3)
    assert (model.reconstruct, model.dtype) == (own, torch.float64)
    assert model.fingerprint == as_encoder(own).fingerprint()


def test_what_is_a_head_is_said_in_one_place():
    """A module is asked as `as_encoder` would wrap it."""
    module = torch.nn.Linear(3, 3)
    module.reconstruct = torch.nn.Linear(2, 3)
    for encoder in (module, as_encoder(module)):
        with pytest.raises(InputError, match=r"'Linear' has no reconstruct\(x\)"):
            Model.of(encoder, None, None, "gradient", 3)
    del module.reconstruct
    module.reconstruct = torch.sin
    for encoder in (module, as_encoder(module)):
        x = torch.ones(2, 3)
        assert torch.equal(Model.of(encoder, None, None, "gradient", 3).reconstruct(x), x.sin())


def test_embeddings_may_be_a_tensor_that_requires_grad():
    table = torch.nn.Embedding(3, 2)
    model = Model.of(None, None, table.weight, "embedding", 3)
    np.testing.assert_array_equal(model.embeddings, table.weight.detach().numpy())
    with pytest.raises(InputError, match="one row for each of the 4 genes"):
        Model.of(None, None, table.weight, "embedding", 4)


@pytest.mark.parametrize("store", [np.asarray, sp.csr_matrix, sp.csc_matrix])
def test_state_is_the_mean_of_drawn_rows(store):
    X = np.random.default_rng(0).gamma(1.0, size=(30, 4)) * (np.random.default_rng(1).random((30, 4)) < 0.5)
    adata = ad.AnnData(np.zeros((30, 4)), layers={"log": store(X)})
    drawn = typical_state(adata, "log", None, 100, None, None, np.random.default_rng(0))
    np.testing.assert_allclose(drawn.mean, X.mean(0))
    assert drawn.top == pytest.approx(np.percentile(X[X > 0], 99))
    assert drawn.n_cells == 30
    some = typical_state(adata, "log", None, 7, None, None, np.random.default_rng(0))
    rows = np.random.default_rng(0).choice(30, 7, replace=False)
    np.testing.assert_allclose(some.mean, X[rows].mean(0))


@pytest.mark.parametrize(
    ("X", "message"), [(np.zeros((5, 3)), "express no gene"), (np.full((5, 3), 1e4) + 0.5, "log-normalised")]
)
def test_values_of_another_kind_are_refused(X, message):
    with pytest.raises(InputError, match=message):
        typical_state(ad.AnnData(X), None, None, 4, None, None, np.random.default_rng(0))
