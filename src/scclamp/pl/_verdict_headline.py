"""A verdict in words: who is better, by how much, and on how many combinations."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from scclamp._take_home import AGAINST, Skill, advise, compare
from scclamp.metrics._bootstrap_ci import FEWEST
from scclamp.pl._evaluation import NETWORK, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

_SPACE = "\N{NO-BREAK SPACE}"


class Row(NamedTuple):
    """A score with its interval."""

    value: float
    low: float
    high: float


def table_of(scores: pd.DataFrame, metric: str) -> dict[str, Row]:
    """Scores of one metric by the name of the prediction."""
    own = scores[scores["metric"] == metric]
    return dict(zip(own["prediction"], map(Row, own["value"], own["low"], own["high"]), strict=True))


def headline(scores: pd.DataFrame, params: Mapping[str, Any], group: str, width: int) -> str:
    """Who is better, in words, and by how much; lines no longer than a number of letters."""
    own = {suffix: table_of(scores, f"skill{suffix}").get(NETWORK, Row(np.nan, np.nan, np.nan)) for suffix in AGAINST}
    skills = {suffix: Skill(row.low, row.high) for suffix, row in own.items()}
    found = {suffix: (plain(params[f"strongest{suffix}"]), compare(skill)) for suffix, skill in skills.items()}
    asked = AGAINST if len(set(found.values())) > 1 else {"": "null of all, which needs no network"}
    sentences = [advise(skills, {suffix: null for suffix, (null, _) in found.items()})]
    for suffix, what in asked.items():
        null, word = found[suffix]
        # The nulls that are named are the strongest over all combinations; a group may have others.
        which = f" ({null})" if group == "all" else ""
        # No line breaks within the numbers.
        number = f"skill {_interval(own[suffix])}.".replace(" ", _SPACE)
        sentences.append(f"The network {word} the strongest {what}{which}: {number}")
    n = int(scores.loc[(scores["prediction"] == NETWORK) & (scores["metric"] == "skill"), "n"].iloc[0])
    where = "" if group == "all" else f" of the group {group}"
    scope = "with 95 % intervals" if n >= FEWEST else "too few for intervals"
    sentences.append(f"{n} combinations{where}, {scope}. Bold: strongest nulls.")
    lines = [line for sentence in sentences for line in textwrap.wrap(sentence, width)]
    return "\n".join(lines).replace(_SPACE, " ")


def _interval(row: Row) -> str:
    found = number(row.value, 3)
    return f"{found} [{number(row.low, 3)}, {number(row.high, 3)}]" if np.isfinite(row.low) else found


def number(value: float, digits: int) -> str:
    """Write a number with a minus sign as long as its plus."""
    return f"{value:.{digits}f}".replace("-", "−")
