from dataclasses import replace

import torch


def test_validation_needs_the_control_and_a_perturbation(truth_problem):
    assert truth_problem.has_validation
    nan = truth_problem.validation.clone()
    nan[3] = torch.nan
    assert replace(truth_problem, validation=nan).has_validation, (
        "one condition without validation cells is no obstacle"
    )
    nan[0] = torch.nan
    assert not replace(truth_problem, validation=nan).has_validation
    nan = truth_problem.validation.clone()
    nan[1:] = torch.nan
    assert not replace(truth_problem, validation=nan).has_validation


def test_to_moves_precision_but_not_positions(truth_problem):
    moved = truth_problem.to(torch.device("cpu"), torch.float32)
    for name in ("values", "train", "validation", "means"):
        assert getattr(moved, name).dtype == torch.float32
        torch.testing.assert_close(getattr(moved, name).double(), getattr(truth_problem, name), rtol=1e-6, atol=1e-6)
    assert moved.rows.dtype == torch.int64
    assert moved.mask.dtype == torch.bool
    assert moved.encode is truth_problem.encode
