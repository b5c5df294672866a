"""Parts of a report about what was asked of a fit: its verdict, its enrichments, its encoders."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from scclamp import pl
from scclamp._keys import SEPARATOR, Keys
from scclamp._take_home import AGAINST, Skill, take_home
from scclamp._verdicts import renamed
from scclamp.tl._evaluation_text import law_of
from scclamp.tl._report_page import Section, folded, picture, say, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scclamp.tl._report_source import Source

_METRICS = {
    "r": "r",
    "r2": "R2",
    "skill": "skill over the strongest null",
    "top1": "top 1",
    "rho_nonadd": "rho_nonadd",
}
_FIGURES = {"skill": "skill", "gain_in_r": "gain in mean r"}
_MOST_ROWS = 20
_COMPARED = "Every prediction and every null on the same combinations, with 95 % intervals."
_CEILINGS = (
    " Lines across the interactions: how well those in one half of the cells foretell those in the other (dashed, the replicate), "
    "and what a perfect prediction would reach (dotted, the truth); noise keeps both below 1."
)


def verdict_section(source: Source) -> Section | None:
    """Whether the network predicts combinations better than what needs no network; None where that was not asked."""
    if _lacks_verdict(source):
        return None
    stored = source.adata.uns[f"{source.key}_evaluation"]
    scores = renamed(stored["scores"])
    headline, figures = _headline(scores, stored["params"])
    whole = scores[(scores["group"] == "all") & scores["metric"].isin(_METRICS)]
    wide = whole.pivot_table(index="prediction", columns="metric", values="value", sort=False, dropna=False)
    wide = wide[[m for m in _METRICS if m in wide]].rename(columns=_METRICS).reset_index()
    parts = [
        f'<div class="headline">{say(headline)}{say(figures, "soft")}</div>',
        say(
            "Nulls are predictions that know nothing of how genes interact: no change at all, the mean response, sums of single "
            "effects, those that the network itself predicts among them. A skill above 0 means a smaller error than the best of "
            "them; below 0, a larger one."
        ),
        *([say(" ".join(map(str.strip, law)))] if (law := law_of(scores, stored["params"])) else []),
        picture(
            pl.verdict(source.data, mod=source.mod, key=source.key, return_fig=True),
            _COMPARED + (_CEILINGS if "interaction" in set(scores["metric"]) else ""),
        ),
        table(wide.assign(prediction=wide["prediction"].str.replace("_", " "))),
        folded("The whole verdict as text", stored["report"]),
    ]
    return Section("The verdict", "\n".join(parts))


def enrichment_section(source: Source) -> Section | None:
    """Whether targets agree with what is known; None where that was not asked."""
    stored = source.adata.uns.get(Keys(source.key).enrichment)
    if stored is None:
        return None
    columns = ["regulator", "library", "term", "overlap", "set_size", "fold", "p", "p_adjusted", "genes"]
    best = stored.sort_values("p", kind="stable").head(_MOST_ROWS)[columns]
    parts = [
        picture(
            pl.enrichment(source.data, mod=source.mod, key=source.key, return_fig=True),
            "Overlap of each regulator's strongest targets with known sets.",
        ),
        table(best.rename(columns={"p_adjusted": "p adjusted", "set_size": "genes in the set"})),
    ]
    return Section("Agreement with known gene sets", "\n".join(parts))


def transmission_section(source: Source) -> Section | None:
    """What encoders let through; no part of a report where nobody asked."""
    stored = source.adata.uns.get("transmission")
    if stored is None:
        return None
    summary: Any = pd.DataFrame(stored["summary"])
    parts = [
        say(
            "How much of what perturbations do comes through an encoder: 1 is the identity, 0 is nothing, and more than 1 an encoder that "
            "amplifies. Read the rows of gamma, the directions of the observed shifts; those of alpha are not 0 for an encoder that is "
            "blind to them. The column null is the same of the noise between cells with shuffled labels, relative is free of the scale."
        ),
        picture(
            pl.transmission(source.data, mod=source.mod, return_fig=True),
            "How much of the regulatory signal each encoder preserves, in all and direction by direction.",
        ),
        table(summary),
    ]
    return Section("What encoders let through", "\n".join(parts))


def _headline(scores: pd.DataFrame, params: Mapping[str, Any]) -> tuple[str, str]:
    """The verdict for who reads one sentence only, and the figures behind it."""
    whole = scores[(scores["group"] == "all") & (scores["prediction"] == "network")].set_index("metric")
    skills = {suffix: Skill(*(float(whole[end][f"skill{suffix}"]) for end in ("low", "high"))) for suffix in AGAINST}
    nulls = {suffix: str(params[f"strongest{suffix}"]).replace("_", " ") for suffix in AGAINST}
    figures = []
    for suffix, what in AGAINST.items():
        shown = [f"{name} {_figure(whole.loc[f'{metric}{suffix}'])}" for metric, name in _FIGURES.items()]
        figures.append(f"Over the strongest {what} ({nulls[suffix]}): {', '.join(shown)}.")
    return take_home(skills, nulls), " ".join(dict.fromkeys(figures))


def _figure(row: Any) -> str:
    """A value and its interval, where there is one."""
    text = f"{row['value']:.3f}"
    return text if math.isnan(row["low"]) else f"{text} [{row['low']:.3f}, {row['high']:.3f}]"


def missing_section(source: Source) -> Section | None:
    """What was not asked of this fit, and the calls that would; below all that was."""
    missing = [_lacks_verdict(source)]
    if Keys(source.key).enrichment not in source.adata.uns:
        missing.append(
            "Targets were not compared with known sets: run <code>scclamp enrich</code> (in Python "
            "<code>sc_c.tl.enrich(adata, sets)</code>) and make the report anew."
        )
    lines = [f'<p class="missing">{line}</p>' for line in missing if line]
    return Section("Not on this page", "\n".join(lines)) if lines else None


def _lacks_verdict(source: Source) -> str:
    """Why there is no verdict on this fit, and what makes one; empty where there is one."""
    stored = source.adata.uns.get(f"{source.key}_evaluation")
    if source.verdict is not None:
        return ""
    if stored is None and not any(SEPARATOR in name for name in source.names):
        return (
            "There is no verdict, since the screen holds no combinations: <code>scclamp benchmark</code> (in Python "
            "<code>sc_c.tl.benchmark(adata, splits='low_sample')</code>) judges predictions of single perturbations."
        )
    why = "This fit was not judged" if stored is None else "The stored verdict is on another fit"
    return (
        f"{why}: make the report with <code>scclamp report --evaluate</code> (in Python after "
        "<code>sc_c.tl.evaluate(adata)</code>)."
    )
