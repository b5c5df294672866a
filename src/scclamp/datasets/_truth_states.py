"""The conditions of a simulated screen and their exact steady states."""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from scclamp._aliases import did_you_mean_gene
from scclamp._errors import InputError, ScclampError
from scclamp._keys import CONTROL, SEPARATOR
from scclamp.datasets._simulation_config import is_number
from scclamp.datasets._truth_network import TruthNetwork
from scclamp.physics import Damped, Hill, Network, steady_state


class Design(NamedTuple):
    """Conditions of the screen: control, then all others by name.

    Parameters
    ----------
    names
        Canonical names; the first is the control.
    mask
        Whether a regulator is clamped in a condition (conditions, regulators).
    """

    names: tuple[str, ...]
    mask: NDArray[np.bool_]


def make_design(regulators: tuple[str, ...], combinations: Any, rng: np.random.Generator) -> Design:
    """All singles and the chosen combinations."""
    groups: list[tuple[str, ...]] = [(gene,) for gene in regulators]
    groups += _choose(regulators, combinations, rng)
    groups.sort(key=SEPARATOR.join)
    column = {gene: j for j, gene in enumerate(regulators)}
    mask = np.zeros((1 + len(groups), len(regulators)), dtype=bool)
    for row, group in enumerate(groups, start=1):
        mask[row, [column[gene] for gene in group]] = True
    return Design((CONTROL, *map(SEPARATOR.join, groups)), mask)


def _choose(regulators: tuple[str, ...], combinations: Any, rng: np.random.Generator) -> list[tuple[str, ...]]:
    doubles: list[tuple[str, ...]] = list(itertools.combinations(sorted(regulators), 2))
    if combinations == "all":
        return doubles
    if is_number(combinations, whole=True):
        if not 0 <= int(combinations) <= len(doubles):
            raise InputError(
                f"combinations={combinations!r}, but {len(regulators)} regulators form {len(doubles)} doubles. "
                "Choose a number between 0 and that."
            )
        return [doubles[i] for i in rng.choice(len(doubles), int(combinations), replace=False)]
    if not isinstance(combinations, tuple) or not all(isinstance(label, str) for label in combinations):
        raise InputError(
            f"combinations={combinations!r} is not understood. Use 'all', a number, or a list like ['A+B']."
        )
    groups = [_parse(label, regulators) for label in combinations]
    if len(set(groups)) < len(groups):
        raise InputError(f"combinations={list(combinations)!r} names a combination twice. Remove the repeat.")
    return groups


def _parse(label: str, regulators: tuple[str, ...]) -> tuple[str, ...]:
    genes = tuple(sorted(part.strip() for part in label.split(SEPARATOR)))
    for gene in genes:
        if gene not in regulators:
            raise InputError(
                f"combinations names {gene!r} in {label!r}, which is not a regulator.{did_you_mean_gene(gene, regulators)} "
                f"Regulators are {regulators[0]!r} to {regulators[-1]!r}."
            )
    if len(genes) < 2 or len(set(genes)) < len(genes):
        raise InputError(
            f"combinations names {label!r}, which is not two or more different genes. Singles are always there."
        )
    return genes


def solve(truth: TruthNetwork, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Steady state of every condition (conditions, genes), to rounding.

    Plain iteration is enough, and certain to converge: the network is a contraction.
    """
    hill = Hill()
    network = Network(len(truth.b), torch.from_numpy(truth.rows), activation=hill).double()
    with torch.no_grad():
        network.A.copy_(torch.from_numpy(truth.A))
        network.b.copy_(torch.from_numpy(truth.b))
        network.log_gamma.fill_(math.log(truth.gamma))
        hill.log_n.fill_(math.log(truth.n))
        hill.log_K.fill_(math.log(truth.K))
    values = np.where(mask, truth.clamps, 0.0)
    bound = max(truth.contraction, 0.5)
    solver = Damped(damping=1.0, tol=1e-13, max_steps=100 + math.ceil(math.log(1e-16) / math.log(bound)))
    with torch.no_grad():
        solution = steady_state(
            network, torch.from_numpy(mask), torch.from_numpy(values), solver=solver, check_stability=False
        )
    if not solution.converged.all():
        raise ScclampError(f"The simulated network did not settle: {solution.describe()} Lower feedback=.")
    return solution.value.numpy()
