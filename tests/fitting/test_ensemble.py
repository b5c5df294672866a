"""What an ensemble reports, against numpy."""

import numpy as np
import pytest
import torch

from scclamp.fitting.ensemble import estimate, spread


@pytest.mark.parametrize("n_members", [2, 5])
def test_estimate_and_spread_are_those_of_numpy(n_members):
    members = np.random.default_rng(0).standard_normal((n_members, 4, 3))
    as_tensor = torch.tensor(members)
    np.testing.assert_array_equal(estimate(as_tensor, "first"), members[0])
    np.testing.assert_allclose(estimate(as_tensor, "mean"), members.mean(0), rtol=1e-12)
    np.testing.assert_allclose(spread(as_tensor, "mean"), members.std(0, ddof=1), rtol=1e-12)
    np.testing.assert_allclose(
        spread(as_tensor, "first"), np.sqrt(((members[1:] - members[0]) ** 2).mean(0)), rtol=1e-12
    )


@pytest.mark.parametrize("point", ["first", "mean"])
def test_one_member_is_the_estimate_and_has_no_spread(point):
    member = torch.tensor([[0.1, 0.2]])
    assert torch.equal(estimate(member, point), member[0])
    assert spread(member, point) is None


def test_spread_of_resampled_means_is_how_far_the_estimate_is_off():
    rng = np.random.default_rng(1)
    cells = rng.standard_normal((25, 2000))
    resamples = [cells[rng.integers(0, 25, (25, 2000)), np.arange(2000)].mean(0) for _ in range(20)]
    members = torch.tensor(np.stack([cells.mean(0), *resamples]))
    error = estimate(members, "first").square().mean().sqrt()
    assert float(spread(members, "first").square().mean().sqrt()) == pytest.approx(float(error), rel=0.1)
    one = members[1].square().mean().sqrt()
    assert float(one / error) == pytest.approx(2**0.5, rel=0.1), "a resample is as far off again"
