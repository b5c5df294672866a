import numpy as np
import torch

from scclamp.predictors._latent_network import LatentNetwork, train


def test_weights_come_from_the_given_generator_alone(untouched_rng):
    control = torch.linspace(0, 3, 8)
    networks = [
        LatentNetwork(control, n_perturbed=2, n_latent=3, n_hidden=4, rng=np.random.default_rng(0)) for _ in range(2)
    ]
    for first, second in zip(*(network.state_dict().values() for network in networks), strict=True):
        assert torch.equal(first, second)


def test_training_lowers_the_error():
    control = torch.linspace(0.2, 2, 8)
    network = LatentNetwork(control, n_perturbed=2, n_latent=3, n_hidden=4, rng=np.random.default_rng(0))
    held = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    means = torch.stack([control, control + 1, control * 0.5])
    losses = train(network, held, means, epochs=200, learning_rate=1e-2, weight_decay=0.0)
    assert losses[-1] < 0.2 * losses[0]
