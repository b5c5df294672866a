"""Parts of a report about what was asked of a fit: its verdict, its enrichments, its encoders."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from scclamp import pl
from scclamp._digest import digest_text, dump_json
from scclamp._keys import SEPARATOR, Keys
from scclamp._verdicts import renamed
from scclamp.tl._report_page import Section, folded, picture, say, table

if TYPE_CHECKING:
    from scclamp.tl._report_source import Source

_METRICS = {
    "r": "r",
    "r2": "R2",
    "skill": "skill over the strongest null",
    "top1": "top 1",
    "rho_nonadd": "rho_nonadd",
}
_MOST_ROWS = 20


def verdict_section(source: Source) -> Section | None:
    """Whether the network predicts combinations better than what needs no network; None where that was not asked."""
    if _lacks_verdict(source):
        return None
    stored = source.adata.uns[f"{source.key}_evaluation"]
    headline = stored["report"].split("\n\n")[1].replace("\n", " ")
    scores = renamed(stored["scores"])
    whole = scores[(scores["group"] == "all") & scores["metric"].isin(_METRICS)]
    wide = whole.pivot_table(index="prediction", columns="metric", values="value", sort=False, dropna=False)
    wide = wide[[m for m in _METRICS if m in wide]].rename(columns=_METRICS).reset_index()
    parts = [
        f'<div class="headline">{say(_plain_words(scores))}{say(" ".join(headline.split()), "soft")}</div>',
        say(
            "Nulls are predictions that know nothing of how genes interact: no change at all, the mean response, sums of single "
            "effects, those that the network itself predicts among them. A skill above 0 means a smaller error than the best of "
            "them; below 0, a larger one."
        ),
        picture(
            pl.verdict(source.data, mod=source.mod, key=source.key, return_fig=True),
            "Every prediction and every null on the same combinations, with 95 % intervals.",
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


def _plain_words(scores: pd.DataFrame) -> str:
    """The verdict for who reads one sentence only."""
    whole = scores[(scores["group"] == "all") & (scores["prediction"] == "network")].set_index("metric")
    free, best = (
        {end: float(whole[end][name]) for end in ("low", "high")} for name in ("skill_without_network", "skill")
    )
    if math.isnan(best["low"]):
        return "There are too few combinations to say whether the network predicts them better than sums of single effects."
    if best["low"] > 0:
        return "These combinations are predicted better by the network than by any sum of single effects."
    if free["low"] > 0:
        return (
            "The network predicts these combinations better than anything that does without a network; but the sum of its own single "
            "effects does as well, so that nothing here tells about interactions of genes."
        )
    if free["high"] < 0:
        return (
            "Adding up the effects of the single genes predicts these combinations better than the network does: use it for its "
            "edges, not for combinations."
        )
    return "Adding up the effects of the single genes predicts these combinations as well as the network does."


def missing_section(source: Source) -> Section | None:
    """What was not asked of this fit, and the calls that would; below all that was."""
    missing = [_lacks_verdict(source)]
    if Keys(source.key).enrichment not in source.adata.uns:
        missing.append(
            "Targets were not compared with known sets: call <code>sc_c.tl.enrich(adata, sets)</code> (on the command line "
            "<code>scclamp enrich</code>) and make the report anew."
        )
    lines = [f'<p class="missing">{line}</p>' for line in missing if line]
    return Section("Not on this page", "\n".join(lines)) if lines else None


def _lacks_verdict(source: Source) -> str:
    """Why there is no verdict on this fit, and what makes one; empty where there is one."""
    stored = source.adata.uns.get(f"{source.key}_evaluation")
    if stored is not None and stored["params"]["fit_sha256"] == digest_text(dump_json(source.result.digests)):
        return ""
    if stored is None and not any(SEPARATOR in name for name in source.names):
        return (
            "There is no verdict, since the screen holds no combinations: <code>sc_c.tl.benchmark(adata, splits='low_sample')"
            "</code> (on the command line <code>scclamp benchmark</code>) judges predictions of single perturbations."
        )
    why = "This fit was not judged" if stored is None else "The stored verdict is on another fit"
    return (
        f"{why}: call <code>sc_c.tl.evaluate(adata)</code> (on the command line <code>scclamp report --evaluate</code>) and make "
        "the report anew."
    )
