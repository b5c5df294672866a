"""A verdict as a text to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp._take_home import AGAINST, Skill, advise, compare
from scclamp._verdicts import CEILINGS
from scclamp.tl._verdict import Interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from scclamp.tl._judged import Judged

Figures = dict[tuple[str, str], Interval]
STEADY = "network, steady state"
_REASONS, _NAMES = 5, 20
"""Combinations that are not judged of which a text says why, and those that it names beside them."""
_BEFOREHAND = "To choose between the two after seeing a verdict is to choose on the test: decide before, or on other combinations."
_SHOWN = {"r": "r", "rho_nonadd": "rho_nonadd", "top1": "top 1", "top5": "top 5", "r2": "R2", "skill": "skill"}


def describe(scores: pd.DataFrame, params: Mapping[str, Any], judged: Judged) -> str:
    """Headline, one row for each prediction, interactions, and what to mind."""
    whole = _figures(scores)
    sizes = sorted({len(t) for t in judged.targets})
    lines = [f"Verdict on {len(judged.names)} combinations, each of {' or '.join(map(str, sizes))} genes"]
    lines += [
        *_left_out(judged),
        "",
        *_headline(whole, params),
        *law_of(scores, params),
        "",
        *_table(whole),
        *_strata(scores),
        "",
        *_interaction(whole),
    ]
    lines += [
        "",
        "rho_nonadd is confounded: prediction and observation share the additive sum that is taken from both, so that even",
        "'no change' scores. Skill is 1 - MSE / MSE of the strongest null, as it is or scaled; square brackets are 95 % intervals",
        "over combinations, which need five of them. Genes that a combination clamps are left out.",
    ]
    genes = {gene for target in judged.targets for gene in target}
    if len(genes) < sum(map(len, judged.targets)):
        lines += [
            f"These {len(judged.names)} combinations share {len(genes)} genes, but intervals take them as independent: they are "
            "too narrow.",
        ]
    return "\n".join(line.rstrip() for line in lines)


def _headline(whole: Figures, params: Mapping[str, Any]) -> list[str]:
    skills = {suffix: Skill(*whole["network", f"skill{suffix}"][1:]) for suffix in AGAINST}
    found = {suffix: (_plain(params[f"strongest{suffix}"]), compare(skill)) for suffix, skill in skills.items()}
    asked = AGAINST if len(set(found.values())) > 1 else {"": "null of all, which needs no network"}
    lines = [advise(skills, {suffix: null for suffix, (null, _) in found.items()})]
    for suffix, what in asked.items():
        null, word = found[suffix]
        skill, gain = whole["network", f"skill{suffix}"], whole["network", f"gain_in_r{suffix}"]
        lines.append(f"The network {word} the strongest {what} ({null}):")
        lines.append(f"  skill {_interval(skill)}, gain in mean r {_interval(gain)}")
    return lines


def law_of(scores: pd.DataFrame, params: Mapping[str, Any]) -> list[str]:
    """What the law of combinations does to a verdict; nothing where it changes no figure, or an earlier version judged."""
    if params["combination"] == "steady_state":
        return [
            "Combinations are the network's steady state as it is, without the law of combinations that predictions follow by default.",
            _BEFOREHAND,
        ]
    whole = _figures(scores)
    plain, skill = whole.get((STEADY, "skill")), whole["network", "skill"].value
    if (
        "crowding" not in params
        or plain is None
        or not np.isfinite(plain.value)
        or _number(plain.value) == _number(skill)
    ):
        return []
    constants = f"crowding={params['crowding']:g}, interaction={params['interaction']:g}"
    turned = [
        f", which {_word(whole, suffix, STEADY)} the strongest {what}"
        for suffix, what in reversed(AGAINST.items())
        if _word(whole, suffix) != _word(whole, suffix, STEADY)
    ]
    return [
        f"The law of combinations ({constants}; the defaults of FitConfig were chosen on another screen) "
        f"{'gains' if skill > plain.value else 'costs'} skill here:",
        f"  {_interval(whole['network', 'skill'])} with it, {_interval(plain)} with the plain steady state "
        f"(combination='steady_state', or --steady-state){''.join(turned[:1])}.",
        _BEFOREHAND,
    ]


def _figures(scores: pd.DataFrame) -> Figures:
    """Values and intervals over all combinations, by prediction and metric."""
    chosen = scores[scores["group"] == "all"]
    keys = zip(chosen["prediction"], chosen["metric"], strict=True)
    return dict(zip(keys, map(Interval, chosen["value"], chosen["low"], chosen["high"]), strict=True))


def _left_out(judged: Judged) -> list[str]:
    """Combinations that were measured and are not judged, with the reason of some."""
    if not judged.left_out:
        return []
    n, total = len(judged.left_out), len(judged.left_out) + len(judged.names)
    shown = [f"  {name}: {why}" for name, why in list(judged.left_out.items())[:_REASONS]]
    rest = list(judged.left_out)[_REASONS:]
    return [
        f"Not judged: {n} of {total} measured combinations.",
        *shown,
        *(
            [f"  and {', '.join(rest[:_NAMES])}{f' and {len(rest) - _NAMES} more' if len(rest) > _NAMES else ''}"]
            if rest
            else []
        ),
    ]


def _word(whole: Figures, suffix: str, prediction: str = "network") -> str:
    return compare(Skill(*whole[prediction, f"skill{suffix}"][1:]))


def _plain(name: str) -> str:
    """Name of a prediction in running text."""
    return name.replace("_", " ")


def _table(whole: Figures) -> list[str]:
    names = [name for name, metric in whole if metric == "r"]
    width = max(map(len, names))
    lines = [f"{'':{width}}  " + "  ".join(f"{title:>10}" for title in _SHOWN.values())]
    for name in names:
        cells = []
        for metric in _SHOWN:
            value, network = whole[name, metric].value, whole["network", metric].value
            # A figure of the network that a null reaches is no evidence, and is marked at the null.
            reached = not name.startswith("network") and np.isfinite(value) and value >= network
            cells.append(f"{_number(value)}{'*' if reached else ' '}")
        lines.append(f"{_plain(name):{width}}  " + "  ".join(f"{cell:>10}" for cell in cells))
    return [*lines, "* reaches the network"]


def _strata(scores: pd.DataFrame) -> list[str]:
    """The network in each group of combinations, against the strongest null of that group; nothing without groups."""
    own = scores[(scores["prediction"] == "network") & (scores["group"] != "all")]
    if not len(own):
        return []
    width = max(len("group"), *map(len, own["group"]))
    lines = ["", "The network in each group of combinations, against the strongest null there:"]
    lines.append(f"  {'group':{width}}  {'n':>4}  {'r':>6}  {'rho_nonadd':>10}  {'gain in r':>9}  skill")
    for group, rows in own.groupby("group", sort=False):
        of: Any = rows.set_index("metric")[["value", "low", "high", "n"]].to_dict("index")
        r, nonadditive, gain = (_number(of[metric]["value"]) for metric in ("r", "rho_nonadd", "gain_in_r"))
        skill = _interval(Interval(*(of["skill"][each] for each in ("value", "low", "high"))))
        lines.append(f"  {group:{width}}  {of['r']['n']:>4}  {r:>6}  {nonadditive:>10}  {gain:>9}  {skill}")
    return lines


def _interaction(whole: Figures) -> list[str]:
    found = {name: figure for (name, metric), figure in whole.items() if metric == "interaction"}
    if not found:
        return ["Interactions cannot be judged apart from the additive part: no condition has cells to halve."]
    missing = (
        [] if "network" in found else ["  network: not fitted to halves of the cells, so that it cannot be judged here"]
    )
    lines = [
        "Interactions beyond each prediction's own singles, against cells that they were not estimated on:",
        *missing,
    ]
    lines += [f"  {CEILINGS.get(name, _plain(name))}: {_interval(figure)}" for name, figure in found.items()]
    return [*lines, *_MEANING] if CEILINGS.keys() & found else lines


_MEANING = (
    "What is observed is noisy, so that nothing reaches 1. The replicate is how well the interactions in one half of the cells foretell",
    "those in the other; the truth is what a perfect prediction would reach, the root of that. Compare the network with these two.",
)


def _interval(figure: Interval) -> str:
    """Value, and its interval where there is one."""
    if np.isnan([figure.low, figure.high]).all():
        return _number(figure.value)
    return f"{_number(figure.value)} [{_number(figure.low)}, {_number(figure.high)}]"


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "-"
