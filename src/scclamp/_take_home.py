"""A verdict in words, the same ones in its text, its figure and the report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

AGAINST = {"_without_network": "null that needs no network", "": "null of all"}
"""What a skill is measured over, by the ending of its name."""
_BLIND = ("no change", "mean response")
"""Nulls that predict the same for every combination."""


class Skill(NamedTuple):
    """The 95 % interval of a skill; NaN where there are too few combinations for one."""

    low: float
    high: float


def compare(skill: Skill) -> str:
    """Say how the network is, followed by what it is compared with."""
    if skill.low > 0:
        return "is better than"
    return "is worse than" if skill.high < 0 else "cannot be told from"


def advise(skills: Mapping[str, Skill], nulls: Mapping[str, str]) -> str:
    """Say what to take home, by the skill over the strongest null without network and over the strongest of all.

    Examples
    --------
    >>> skills = {"_without_network": Skill(-0.2, 0.1), "": Skill(-0.3, -0.1)}
    >>> advise(skills, {"_without_network": "additive", "": "network's singles added"})
    'Add up single effects to predict these combinations, and use the network for its edges.'
    """
    free, best = skills["_without_network"], skills[""]
    if math.isnan(best.low):
        return "There are too few combinations to say whether the network is better than sums of single effects."
    if best.low > 0:
        return "These combinations are predicted better by the network than by any sum of single effects."
    if free.low > 0:
        return "Use the network's single effects and add them up: nothing here tells about interactions of genes."
    if min(free.high, best.high) < 0:
        if nulls["_without_network" if free.high < 0 else ""].startswith(_BLIND):
            return "Do not use the network for these combinations: what ignores which genes are perturbed is better."
        return "Add up single effects to predict these combinations, and use the network for its edges."
    return "The network predicts these combinations as well as sums of single effects do, as far as these can tell."


def take_home(skills: Mapping[str, Skill], nulls: Mapping[str, str]) -> str:
    """Say what to take home, and name the comparisons that say so.

    Parameters
    ----------
    skills
        Of the network, by the ending of their names.
    nulls
        The strongest null of each.

    Examples
    --------
    >>> skills = {"_without_network": Skill(0.1, 0.2), "": Skill(-0.1, 0.1)}
    >>> take_home(skills, {"_without_network": "additive", "": "network's singles added"}).split(": ")[1]
    "nothing here tells about interactions of genes. The network is better than the strongest null that needs no network (additive) and cannot be told from the strongest null of all (network's singles added)."
    """
    parts = {
        suffix: f"{compare(skills[suffix])} the strongest {what} ({nulls[suffix]})" for suffix, what in AGAINST.items()
    }
    if len(set(nulls.values())) == 1 and len(set(map(compare, skills.values()))) == 1:
        parts = {"": f"{compare(skills[''])} the strongest null of all, which needs no network ({nulls['']})"}
    return f"{advise(skills, nulls)} The network {' and '.join(parts.values())}."
