import numpy as np
import pytest

from scclamp._errors import InputError
from scclamp.predictors import LinearPCA, Training
from scclamp.predictors._linear_pca import gene_scores


def test_scores_are_principal_components(screen):
    """Against the eigenvectors of the covariance of conditions, up to signs."""
    table = np.concatenate(
        [screen.train_mean[:1], screen.train_mean[screen.singles], screen.train_mean[screen.combos]]
    ).T
    centred = table - table.mean(0)
    values, vectors = np.linalg.eigh(np.cov(centred.T))
    scores = gene_scores(Training.of(screen), 3)
    expected = centred @ vectors[:, np.argsort(values)[::-1][:3]]
    np.testing.assert_allclose(np.abs(scores), np.abs(expected), atol=1e-10)
    assert gene_scores(Training.of(screen), 100).shape == (30, screen.n_conditions)


def test_weights_minimise_the_penalised_error(singles, means):
    """The formula is the minimum of |Y - G K P|^2 + l |K P|^2 + l |G K|^2 + l^2 |K|^2: solved here as one regression."""
    penalty, k = 0.3, 4
    c = means["control"]
    G = gene_scores(Training.of(singles), k)
    b = np.mean([means[g] - c for g in "ABCDU"], axis=0)
    Y = np.stack([means[g] - c - b for g in "ABCD"], 1)
    P = G[:4].T
    root = np.sqrt(penalty)
    blocks = [np.kron(P.T, G), root * np.kron(P.T, np.eye(k)), root * np.kron(np.eye(k), G), penalty * np.eye(k * k)]
    design = np.concatenate(blocks)
    wanted = np.concatenate([Y.ravel(order="F"), np.zeros(len(design) - Y.size)])
    K = np.linalg.lstsq(design, wanted)[0].reshape(k, k, order="F")
    predictor = LinearPCA(n_components=k, penalty=penalty).fit(singles)
    single, pair = predictor.predict([("B",), ("B", "D")])
    np.testing.assert_allclose(single, c + b + G @ K @ P[:, 1])
    np.testing.assert_allclose(pair, c + 2 * b + G @ K @ (P[:, 1] + P[:, 3]))


def test_genes_that_nobody_perturbed_are_predicted_from_their_embedding(singles):
    predictor = LinearPCA().fit(singles)
    assert predictor.lacks(("G7", "G8")) == ()
    assert not np.allclose(*predictor.predict([("G7",), ("G8",)]))


def test_an_unmeasured_gene_has_the_mean_response(singles, means):
    expected = np.mean([means[g] for g in "ABCDU"], axis=0)
    np.testing.assert_allclose(LinearPCA().fit(singles).predict([("U",)])[0], expected)


@pytest.mark.parametrize("settings", [{"n_components": 0}, {"n_components": 2.5}, {"penalty": 0}])
def test_other_settings_are_refused(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        LinearPCA(**settings)
