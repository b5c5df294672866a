import numpy as np

from scclamp.predictors._shrinkage import FACTORS, choose_penalty, shrink


def test_shrinkage_is_the_ridge_of_the_matrix_on_itself():
    """s^3 / (s^2 + p) is what M (M'M + p)^-1 M'M does, worked out without a decomposition."""
    M = np.random.default_rng(0).normal(size=(6, 15))
    gram = M.T @ M
    expected = M @ np.linalg.solve(gram + 2.5 * np.eye(15), gram)
    np.testing.assert_allclose(shrink(M, 2.5), expected)
    assert shrink(M, 0.0) is M


def test_chosen_penalty_comes_close_to_the_best_one():
    """Rank two and noise: nine tenths of what any penalty could gain against the truth is gained."""
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(40, 2)) @ rng.normal(size=(2, 300))
    noisy = truth + rng.normal(size=truth.shape)
    unit = np.median(np.linalg.svd(noisy, compute_uv=False) ** 2)

    def error(penalty):
        return ((shrink(noisy, penalty) - truth) ** 2).sum()

    best = min(error(p) for p in unit * FACTORS)
    assert error(0) - error(choose_penalty(noisy)) > 0.9 * (error(0) - best) > 0


def test_without_noise_hardly_anything_is_shrunk():
    rng = np.random.default_rng(2)
    M = rng.normal(size=(30, 30)) @ rng.normal(size=(30, 200))
    chosen = choose_penalty(M)
    assert chosen <= np.median(np.linalg.svd(M, compute_uv=False) ** 2)


def test_blocks_are_predicted_as_in_the_textbook():
    from scclamp.predictors._shrinkage import _block_errors

    rng = np.random.default_rng(3)
    M = rng.normal(size=(8, 12))
    rows, columns = np.arange(8) % 4 == 1, np.arange(12) % 4 == 2
    A, B, C, D = (M[np.ix_(r, c)] for r in (rows, ~rows) for c in (columns, ~columns))
    for penalty, found in zip((0.0, 3.0), _block_errors(M, rows, columns, np.array([0.0, 3.0])), strict=True):
        inverse = np.linalg.solve(D.T @ D + penalty * np.eye(9), D.T) if penalty else np.linalg.pinv(D)
        np.testing.assert_allclose(found, ((A - B @ inverse @ C) ** 2).sum())


def test_tiny_and_empty_matrices_are_left_alone():
    assert choose_penalty(np.ones((3, 50))) == 0
    assert choose_penalty(np.zeros((10, 50))) == 0
    assert choose_penalty(np.outer(np.arange(10.0), np.arange(50.0))) == 0
