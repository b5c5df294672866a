import numpy as np
import pytest
import torch
from scipy import spatial, stats

from scclamp.encoders import Identity, as_encoder
from scclamp.encoders import _diagnostics as diagnostics

X = np.random.default_rng(0).gamma(1.0, 1.0, (9, 20))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("n_seen", [0, 7, 10, 20])
def test_share_of_genes_with_a_gradient(rng, n_seen):
    row = diagnostics.gradient_flow(as_encoder(lambda x: torch.tanh(x[:, :n_seen]) + 0 * x[:, :1].sum()), X, rng)
    assert row[1] == max(n_seen, 0) / 20
    assert row[4] is (n_seen >= 10)


@pytest.mark.parametrize(
    "function",
    [lambda x: torch.ones(len(x), 3), lambda x: x.detach(), lambda x: x.round()],
    ids=["constant", "detached", "steps"],
)
def test_no_gradient_is_a_failure(rng, function):
    assert diagnostics.gradient_flow(as_encoder(function), X, rng)[1::3] == (0.0, False)


def test_a_gradient_that_is_not_finite_is_a_failure(rng):
    states = X.copy()
    states[0, 0] = 0
    row = diagnostics.gradient_flow(as_encoder(torch.sqrt), states, rng)
    assert np.isnan(row[1])
    assert row[4] is False
    assert "NaN or infinity" in row[5]


def test_length_of_shifts_is_free_of_noise(rng):
    truth = np.zeros((400, 50))
    truth[:, 0] = 0.3
    halves = tuple(truth + 0.1 * rng.standard_normal(truth.shape) for _ in range(2))
    controls = rng.standard_normal((4000, 50))
    row = diagnostics.sensitivity(halves, controls, (halves, controls))
    assert row[1] == pytest.approx(0.3 / 10, rel=0.1), "10 is the distance between two points of 50 standard normals"
    assert np.linalg.norm(halves[0], axis=1).mean() > 0.7, "which noise more than doubles"
    blind = diagnostics.sensitivity((0.01 * halves[0], 0.01 * halves[1]), controls, (halves, controls))
    assert (row[4], blind[4]) == (True, False)
    assert blind[2] == row[1]
    assert diagnostics.sensitivity(halves, np.ones((6, 50)), (halves, controls))[4] is False


def test_retrieval_agrees_with_scipy(rng):
    truth = rng.standard_normal((30, 12))
    one, other = (truth + 0.8 * rng.standard_normal(truth.shape) for _ in range(2))
    row = diagnostics.discriminability((one, other), (truth, truth))
    nearest = spatial.distance.cdist(one, other, "cosine").argmin(1)
    assert row[1] == pytest.approx((nearest == np.arange(30)).mean())
    assert row[2] == 1
    k = round(30 * row[3])
    tails = [stats.binomtest(n, 30, 1 / 30, alternative="greater").pvalue for n in (k - 1, k)]
    assert tails[0] >= diagnostics.ALPHA > tails[1], "the threshold is the least number that chance does not explain"
    assert row[4] is True


def test_a_blind_encoder_fails_only_where_gene_space_does_not(rng):
    truth, noise = rng.standard_normal((30, 12)), rng.standard_normal((4, 30, 12))
    assert diagnostics.discriminability((noise[0], noise[1]), (truth, truth))[4] is False
    assert diagnostics.discriminability((noise[0], noise[1]), (noise[2], noise[3]))[4] is None
    assert diagnostics.discriminability((truth[:3], truth[:3]), (truth[:3], truth[:3]))[4] is None, (
        "3 of 3 may be chance"
    )
    constant = np.ones((30, 12))
    assert diagnostics.discriminability((constant, constant), (truth, truth))[1] == 0, "who ties is not found"


def test_means_alone():
    means = np.array([[1.0, 1.0, 1.0], [2.0, 1.0, 1.0], [1.0, 3.0, 1.0], [2.0, 2.0, 1.0]])
    _, figure, beside, limit, passed, _ = diagnostics.sensitivity_of_means(as_encoder(lambda x: 5 * x), means)
    assert (figure, beside) == pytest.approx((np.sqrt(2 / 3), np.sqrt(2 / 3)))
    assert passed is True
    faint = as_encoder(lambda x: 1 + 0.1 * limit * x)
    assert diagnostics.sensitivity_of_means(faint, means)[4] is False
    row = diagnostics.discriminability_of_means(Identity(), means)
    assert row[1] == pytest.approx(np.sqrt(0.5))
    assert row[4] is True
    one_number = as_encoder(lambda x: x.sum(-1, keepdim=True))
    assert diagnostics.discriminability_of_means(one_number, means)[1::3] == (1.0, False)
    assert diagnostics.discriminability_of_means(Identity(), means[:2])[4] is None


class _Counting(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return x + 1e-9 * self.calls


@pytest.mark.parametrize(
    ("function", "verdicts"),
    [(torch.sin, [True, True]), (_Counting(), [False, False]), (lambda x: x - x.mean(0), [True, False])],
    ids=["pure", "changing", "batch statistics"],
)
def test_reproducibility(function, verdicts):
    rows = diagnostics.reproducibility(as_encoder(function), X)
    assert [row[4] for row in rows] == verdicts


def test_rounding_follows_the_precision():
    limits = [diagnostics.rounding(as_encoder(torch.nn.Linear(2, 2, dtype=d))) for d in (torch.float64, torch.float32)]
    assert limits == pytest.approx([1000 * 2.0**-52, 1000 * 2.0**-23])
    assert diagnostics.rounding(as_encoder(torch.nn.Linear(2, 2, dtype=torch.bfloat16))) == diagnostics.MAX_ROUNDING


def test_a_reference_is_reproduced_or_not():
    encoder = as_encoder(torch.sin)
    off = np.sin(X)
    off[3] *= 1.02
    assert diagnostics.reproduces(encoder, X, np.sin(X))[1] < 1e-14
    assert diagnostics.reproduces(encoder, X, off)[1] == pytest.approx(0.02 / 1.02)
    wrong = [off, np.sin(X)[:, :-1], np.where(X > 1, np.nan, X)]
    assert [diagnostics.reproduces(encoder, X, each)[4] for each in wrong] == [False] * 3
