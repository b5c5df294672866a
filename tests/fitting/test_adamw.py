"""Against torch's own AdamW; what it does not have (members, flat state) by what it must mean."""

import pytest
import torch

from scclamp.fitting.adamw import AdamW

BETAS, DECAY = (0.8, 0.99), {"A": 0.1}


def _parameters(members=2):
    g = torch.Generator().manual_seed(0)
    shapes = {"A": (members, 4, 3), "b": (members, 4), "log_n": (members,)}
    return {k: torch.randn(s, generator=g, dtype=torch.float64).requires_grad_() for k, s in shapes.items()}


def _loss(parameters):
    return sum((1.5 * p - 0.3).square().sum() + p.sin().sum() for p in parameters.values())


def _run(parameters, optimizer, steps):
    for _ in range(steps):
        for p in parameters.values():
            p.grad = None
        _loss(parameters).backward()
        optimizer.step()


def _ours(parameters):
    return AdamW(parameters, lr=0.05, betas=BETAS, weight_decay=DECAY)


def test_against_torch():
    ours, theirs = _parameters(), _parameters()
    reference = torch.optim.AdamW(
        [
            {"params": [theirs["A"]], "weight_decay": DECAY["A"]},
            {"params": [theirs["b"], theirs["log_n"]], "weight_decay": 0.0},
        ],
        lr=0.05,
        betas=BETAS,
    )
    _run(ours, _ours(ours), 25)
    _run(theirs, reference, 25)
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name], rtol=1e-9, atol=1e-12)


def test_what_has_no_gradient_stays():
    parameters = _parameters()
    before = parameters["b"].detach().clone()
    optimizer = _ours(parameters)
    parameters["A"].square().sum().backward()
    optimizer.step()
    assert torch.equal(parameters["b"], before)


def test_a_restarted_member_is_one_that_begins_at_its_rate_and_the_other_goes_on():
    parameters, untouched = _parameters(), _parameters()
    optimizer, other = _ours(parameters), _ours(untouched)
    _run(parameters, optimizer, 5)
    _run(untouched, other, 5)
    alone = {name: p.detach()[:1].clone().requires_grad_() for name, p in parameters.items()}
    optimizer.restart(torch.tensor([True, False]), 0.5)
    assert optimizer.lr.tolist() == pytest.approx([0.025, 0.05])
    _run(parameters, optimizer, 5)
    _run(untouched, other, 5)
    _run(alone, AdamW(alone, lr=0.025, betas=BETAS, weight_decay=DECAY), 5)
    for name, p in parameters.items():
        assert torch.equal(p[1], untouched[name][1])
        torch.testing.assert_close(p[:1], alone[name])
        assert not torch.equal(p[0], untouched[name][0])


def test_state_goes_on_bit_by_bit_and_is_a_copy():
    parameters = _parameters()
    optimizer = _ours(parameters)
    _run(parameters, optimizer, 4)
    later = {name: p.detach().clone().requires_grad_() for name, p in parameters.items()}
    continued = AdamW(later, lr=1.0, betas=BETAS, weight_decay=DECAY)
    continued.load_state(optimizer.state())
    _run(parameters, optimizer, 3)
    _run(later, continued, 3)
    assert all(torch.equal(parameters[name], later[name]) for name in later)
