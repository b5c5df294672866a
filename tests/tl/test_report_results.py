"""Parts of a report about what was asked of a fit."""

import re
from html import unescape

import pandas as pd
import pytest

import scclamp as sc_c
from scclamp._storage import decode
from scclamp.tl._report_results import (
    _plain_words,
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
    first = stored["report"].split("\n\n")[1].splitlines()[0]
    assert first.split(" (")[0] in " ".join(body.replace("&#x27;", "'").split())
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


@pytest.mark.parametrize(
    ("free", "best", "words"),
    [
        ((0.1, 0.2), (0.01, 0.1), "better by the network than by any sum"),
        ((0.1, 0.2), (-0.1, 0.1), "the sum of its own single effects does as well"),
        ((-0.1, 0.2), (-0.2, 0.1), "as well as the network does"),
        ((-0.3, -0.2), (-0.4, -0.1), "better than the network does"),
        ((float("nan"),) * 2, (float("nan"),) * 2, "too few combinations"),
    ],
)
def test_one_sentence_says_what_the_intervals_say(free, best, words):
    rows = [("skill_without_network", *free), ("skill", *best)]
    scores = pd.DataFrame(rows, columns=["metric", "low", "high"]).assign(group="all", prediction="network", value=0.0)
    assert words in _plain_words(scores)


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
