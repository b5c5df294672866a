import numpy as np
import pytest
import torch

import scclamp as sc_c
from scclamp._assignment import assign
from scclamp._errors import InputError
from scclamp._settings import settings
from scclamp.conditions import Conditions
from scclamp.encoders import PCA, Identity, as_encoder, encoded_means, resolve


@pytest.fixture(scope="module")
def cells(screen):
    return assign(screen, rng=0)


def _conditions(screen, cells, **options):
    return Conditions.from_cells(screen, cells, **options)


def test_names(screen, cells):
    assert isinstance(resolve("identity", screen, cells=cells), Identity)
    assert isinstance(resolve("pca", screen, cells=cells), PCA)
    with pytest.raises(InputError, match=r"encoder='identty'.*Did you mean 'identity'"):
        resolve("identty", screen, cells=cells)


@pytest.mark.parametrize("name", ["scGPT", "GREmLN", "Geneformer", "scPRINT", "scVI"])
def test_a_trained_model_that_is_named_is_told_what_reads_it(name, screen, cells):
    with pytest.raises(InputError, match=r"A trained model is read first, by scclamp\.encoders\.") as caught:
        resolve(name, screen, cells=cells)
    own, reader = str(caught.value).removesuffix(".").rsplit(".", 2)[-2:]
    assert own.casefold() == name.casefold()
    assert callable(getattr(getattr(sc_c.encoders, own), reader))


def test_the_identity_in_disguise_is_named(screen, cells, caplog):
    resolve("pca", screen, cells=cells)
    assert "encoder='pca' keeps all 70 components of a panel of 70 genes" in caplog.text
    caplog.clear()
    resolve(PCA.from_data(screen, n_components=10), screen, cells=cells)
    assert not caplog.records


def test_affine_encoders_encode_means(screen, cells):
    conditions = _conditions(screen, cells)
    pca = resolve("pca", screen, cells=cells)
    train, validation = encoded_means(pca, conditions, screen, cells=cells)
    X = (screen.X.toarray() - pca.mean) @ pca.components
    for c in range(4):
        for role, found in ((0, train), (1, validation)):
            np.testing.assert_allclose(found[c], X[(cells.codes == c) & (cells.roles == role)].mean(0), atol=1e-10)


def test_what_is_only_called_identity_is_applied(screen, cells):
    conditions = _conditions(screen, cells)
    train, _ = encoded_means(as_encoder(lambda x: 2 * x, name="identity", affine=True), conditions, screen, cells=cells)
    np.testing.assert_array_equal(train, 2 * conditions.train_mean)


@pytest.mark.parametrize("chunk_size", [11, 4096])
def test_other_encoders_encode_cells(screen, cells, chunk_size):
    encoder = as_encoder(lambda x: torch.stack([x.square().sum(-1), torch.tanh(x).sum(-1)], -1))
    names = ["control", "G0", "G2"]
    conditions = _conditions(screen, cells).select(names)
    train, validation = encoded_means(encoder, conditions, screen, cells=cells, chunk_size=chunk_size)
    X = screen.X.toarray()
    E = np.stack([(X**2).sum(1), np.tanh(X).sum(1)], 1)
    for c, name in enumerate(names):
        for role, found in ((0, train), (1, validation)):
            chosen = (cells.codes == cells.names.index(name)) & (cells.roles == role)
            np.testing.assert_allclose(found[c], E[chosen].mean(0), rtol=1e-10)


def test_no_validation_cells_are_nan(screen):
    cells = assign(screen, rng=0, train_fraction=1.0)
    train, validation = encoded_means(as_encoder(torch.sin), _conditions(screen, cells), screen, cells=cells)
    assert np.isfinite(train).all()
    assert np.isnan(validation).all()


def test_a_module_keeps_its_mode_its_gradients_and_its_parameters(screen, cells):
    module = torch.nn.Linear(70, 3, dtype=torch.float64).eval()
    before = {k: v.clone() for k, v in module.state_dict().items()}
    encoded_means(resolve(module, screen, cells=cells), _conditions(screen, cells), screen, cells=cells)
    assert not module.training
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in module.parameters())


def test_bootstrap_wants_an_affine_encoder(screen, cells):
    conditions = _conditions(screen, cells, n_bootstrap=2, rng=0)
    with pytest.raises(InputError, match="bootstrap=True"):
        encoded_means(as_encoder(torch.sin), conditions, screen, cells=cells)
    train, _ = encoded_means(Identity(), conditions, screen, cells=cells)
    assert train.shape == (2, 4, 70)


def test_a_long_pass_shows_how_far_it_is(screen, cells, capsys):
    conditions = _conditions(screen, cells)
    used = int((cells.roles >= 0).sum())
    with settings.override(progress="on"):
        encoded_means(as_encoder(torch.sin), conditions, screen, cells=cells, chunk_size=7)
    said = capsys.readouterr().err
    assert "encode: sin: 100%" in said
    assert f"{used}/{used}" in said
