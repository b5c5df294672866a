from dataclasses import replace

import numpy as np
import pytest
import torch

from scclamp._errors import NonFiniteError
from scclamp.fitting import denoise
from scclamp.fitting.shrinkage import STRENGTHS, low_rank_plus_sparse, noise_level


def planted(noise=0.2, seed=0, conditions=40, genes=600, rank=3):
    """Low rank plus a few large entries, with and without noise."""
    rng = np.random.default_rng(seed)
    low_rank = rng.standard_normal((conditions, rank)) @ (
        rng.standard_normal((rank, genes)) * (rng.random(genes) < 0.3)
    )
    sparse = np.where(rng.random((conditions, genes)) < 0.002, 4.0, 0.0)
    truth = low_rank + sparse
    return torch.from_numpy(truth), torch.from_numpy(truth + noise * rng.standard_normal(truth.shape))


def low_rank_plus_sparse_numpy(shifts, noise):
    """The same by numpy, spelled out."""
    sparse = np.zeros_like(shifts)
    for _ in range(4):
        U, s, V = np.linalg.svd(shifts - sparse, full_matrices=False)
        low = U @ np.diag(s**3 / (s**2 + 1.25 * noise**2 * max(shifts.shape))) @ V
        rest = shifts - low
        sparse = rest**3 / (rest**2 + (2.7 * noise) ** 2)
    return low + sparse


def test_against_numpy():
    _, noisy = planted()
    np.testing.assert_allclose(
        low_rank_plus_sparse(noisy, torch.tensor(0.2, dtype=torch.float64)),
        low_rank_plus_sparse_numpy(noisy.numpy(), 0.2),
        atol=1e-10,
    )


def test_members_do_not_mix():
    (_, a), (_, b) = planted(seed=1), planted(seed=2, noise=0.5)
    together = low_rank_plus_sparse(torch.stack([a, b]), torch.tensor([0.2, 0.5], dtype=torch.float64))
    torch.testing.assert_close(together[1], low_rank_plus_sparse(b, torch.tensor(0.5, dtype=torch.float64)))


@pytest.mark.parametrize("noise", [0.1, 0.2, 0.4])
def test_it_comes_closer_to_the_truth_and_knows_the_noise(noise):
    truth, noisy = planted(noise)
    level = noise_level(noisy)
    assert 0.9 < float(level) / noise < 1.7
    shrunk = low_rank_plus_sparse(noisy, level)
    assert ((shrunk - truth) ** 2).sum() < 0.4 * ((noisy - truth) ** 2).sum()


def test_no_noise_changes_nothing():
    truth, _ = planted()
    torch.testing.assert_close(low_rank_plus_sparse(truth, torch.tensor(0.0)), truth)
    assert low_rank_plus_sparse(torch.zeros(3, 5), torch.tensor(0.0)).abs().sum() == 0


def test_strength_zero_is_the_problem_itself(cell_problem):
    problem = cell_problem()
    same, used = denoise(problem, 0.0)
    assert same is problem
    assert not used.any()


def test_control_and_validation_stay(cell_problem):
    problem = cell_problem()
    shrunk, used = denoise(problem, 1.0)
    assert (used == 1).all()
    assert torch.equal(shrunk.train[..., 0, :], problem.train[..., 0, :])
    assert torch.equal(shrunk.validation.nan_to_num(), problem.validation.nan_to_num())
    assert not torch.equal(shrunk.train, problem.train)


def test_validation_chooses_the_strength_that_predicts_it_best(cell_problem):
    problem = cell_problem()
    _, used = denoise(problem, None)
    held_out = (problem.validation - problem.validation[..., :1, :])[..., 1:, :]

    def error(strength):
        means = denoise(problem, strength)[0].train
        return float(((means - means[..., :1, :])[..., 1:, :] - held_out).square().nansum())

    assert used == min(STRENGTHS, key=error)


def test_without_validation_the_estimate_counts(cell_problem):
    problem = cell_problem()
    blind = replace(problem, validation=torch.full_like(problem.validation, torch.nan))
    assert (denoise(blind, None)[1] == 1).all()


def test_replicates_choose_for_themselves(cell_problem):
    one = cell_problem()
    noisy = one.train + 0.3 * torch.randn(one.train.shape, generator=torch.Generator().manual_seed(0))
    both = replace(
        one,
        train=torch.stack([one.train, noisy]),
        means=torch.stack([one.means, noisy]),
        validation=one.validation.expand(2, *one.validation.shape),
    )
    _, used = denoise(both, None)
    alone = [denoise(p, None)[1] for p in (one, replace(one, train=noisy, means=noisy))]
    assert used.tolist() == [float(u) for u in alone]
    assert used[0] < used[1]


def test_what_is_not_finite_is_named(cell_problem):
    problem = cell_problem()
    with pytest.raises(NonFiniteError, match="NaN or infinity in the target means"):
        denoise(replace(problem, train=torch.full_like(problem.train, torch.nan)), None)
    partly = problem.validation.clone()
    partly[-1, 0] = torch.inf
    with pytest.raises(NonFiniteError, match="the validation means"):
        denoise(replace(problem, validation=partly), None)
