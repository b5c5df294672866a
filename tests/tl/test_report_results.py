"""Parts of a report about what was asked of a fit."""

import re
from html import unescape

import pandas as pd
import pytest

import scclamp as sc_c
from scclamp._storage import decode
from scclamp.tl._report_results import (
    enrichment_section,
    missing_section,
    transmission_section,
    verdict_section,
)
from scclamp.tl._report_source import Source


@pytest.fixture(scope="module")
def source():
    adata = sc_c.datasets.simulated("tiny")
    sc_c.tl.fit(adata, max_epochs=5)
    sc_c.tl.evaluate(adata, rng=0)
    return Source(adata, decode(adata, "clamp"), None, "clamp", None)


def test_the_verdict_is_headline_table_and_text(source):
    body = verdict_section(source).body
    stored = source.adata.uns["clamp_evaluation"]
    first, *compared = stored["report"].split("\n\n")[1].splitlines()
    bold, soft = (unescape(text) for text in re.findall(r"<p[^>]*>(.*?)</p>", body)[:2])
    assert bold.startswith(f"{first} The network ")
    asked = [i for i, line in enumerate(compared) if line.startswith("The network ")]
    assert asked
    for i in asked:
        assert compared[i].removeprefix("The network ").removesuffix(":") in bold
        assert f"{compared[i + 1].strip()}." in soft
    law = next(i for i, line in enumerate(compared) if line.startswith("The law of combinations"))
    assert " ".join(" ".join(compared[law:]).split()) in unescape(body)
    shown = _table(body)
    scores = stored["scores"].query("group == 'all' and metric == 'r'").set_index("prediction")["value"]
    for name, value in scores.items():
        row = shown[name.replace("_", " ")]
        assert row[0] == ("–" if pd.isna(value) else f"{value:.3g}")


def test_a_verdict_of_an_earlier_version_is_shown(source):
    new = verdict_section(source)
    stored = source.adata.uns["clamp_evaluation"]
    old = {
        **stored,
        "scores": stored["scores"].assign(metric=stored["scores"]["metric"].replace("rho_nonadd", "r_nonadditive")),
        "pairs": stored["pairs"].rename(columns={"rho_nonadd": "r_nonadditive"}),
    }
    source.adata.uns["clamp_evaluation"] = old
    shown = verdict_section(source)
    source.adata.uns["clamp_evaluation"] = stored
    assert "rho_nonadd" in shown.body
    assert _table(shown.body) == _table(new.body)


def test_the_caption_speaks_of_interactions_only_where_they_are_drawn(source):
    stored = source.adata.uns["clamp_evaluation"]
    assert "Lines across the interactions" in verdict_section(source).body
    scores = stored["scores"]
    source.adata.uns["clamp_evaluation"] = {**stored, "scores": scores[~scores["metric"].str.contains("interaction")]}
    body = verdict_section(source).body
    source.adata.uns["clamp_evaluation"] = stored
    assert "Lines across the interactions" not in body


def _table(body):
    """Rows of the only table by the name in their first cell."""
    rows = re.findall(r"<tr>(.*?)</tr>", body.split("<tbody>")[1])
    cells = [[unescape(c) for c in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in rows]
    return {row[0]: row[1:] for row in cells}


def test_the_best_overlaps_come_first(source):
    adata = source.adata
    assert enrichment_section(source) is None
    assert "tl.enrich(adata, sets)" in missing_section(source).body
    sets = {f"module {j}": list(adata.var_names[adata.varm["true_A"][:, j] != 0]) for j in range(4)}
    sc_c.tl.enrich(adata, sets, min_size=3, n_top=10)
    shown = _table(enrichment_section(source).body)
    stored = adata.uns["clamp_enrichment"].sort_values("p", kind="stable")
    assert next(iter(shown)) == stored["regulator"].iloc[0]
    assert missing_section(source) is None


def test_encoders_are_told_only_where_somebody_asked(source):
    assert transmission_section(source) is None
    sc_c.tl.transmission(source.adata, ["pca"], n_cells=8, n_seeds=2, n_bootstrap=20, rng=0)
    section = transmission_section(source)
    assert {"identity", "pca"} <= set(_table(section.body))
