"""Silenced genes and embeddings, asked one by one with numpy."""

import numpy as np
import pytest
import torch

from scclamp.probes import embedding_shift, embedding_similarity, embedding_sum, silencing_change

G = 6
_g = torch.Generator().manual_seed(0)
W = torch.randn(G, G, generator=_g, dtype=torch.float64)
STATE = torch.rand(G, generator=_g, dtype=torch.float64)
E = torch.randn(G, 3, generator=_g, dtype=torch.float64)
SOURCES, TARGETS = torch.tensor([4, 0]), torch.tensor([1, 4, 5])


def net(x):
    return torch.tanh(x @ W)


@pytest.mark.parametrize("batch_size", [1, 50])
def test_silencing_takes_one_gene_away(batch_size):
    found = silencing_change(net, STATE, SOURCES, TARGETS, batch_size=batch_size)
    shift = embedding_shift(net, STATE, SOURCES, batch_size=batch_size)
    x = STATE.numpy()
    for a, i in enumerate(SOURCES.tolist()):
        without = np.where(np.arange(G) == i, 0, x)
        change = np.tanh(x @ W.numpy()) - np.tanh(without @ W.numpy())
        np.testing.assert_allclose(found[a], change[TARGETS], atol=1e-13)
        np.testing.assert_allclose(shift[a], -change, atol=1e-13)


def test_similarity_is_cosine_or_product():
    cosine = embedding_similarity(E, SOURCES, TARGETS)
    product = embedding_similarity(E, SOURCES, TARGETS, cosine=False)
    for a, i in enumerate(SOURCES):
        for b, j in enumerate(TARGETS):
            u, v = E[i].numpy(), E[j].numpy()
            assert product[a, b] == pytest.approx(u @ v)
            assert cosine[a, b] == pytest.approx(u @ v / np.sqrt((u @ u) * (v @ v)))


def test_a_vector_without_length_is_similar_to_nothing_and_a_short_one_keeps_its_direction():
    vectors = torch.stack([torch.zeros(3), torch.tensor([1e-20, 0, 0]), torch.tensor([2.0, 0, 0])]).double()
    found = embedding_similarity(vectors, torch.arange(3), torch.arange(3))
    np.testing.assert_allclose(found, [[0, 0, 0], [0, 1, 1], [0, 1, 1]], rtol=1e-12)


def test_features_of_a_pair_are_the_sum():
    np.testing.assert_array_equal(embedding_sum(E, torch.tensor([1, 2]), torch.tensor([3, 3])), E[[1, 2]] + E[3])
