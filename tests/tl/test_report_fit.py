"""Parts of a report about the screen and its fit."""

import re
from html import unescape
from html.parser import HTMLParser
from types import SimpleNamespace

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scclamp as sc_c
from scclamp._errors import InputWarning
from scclamp._storage import decode
from scclamp.tl._report_fit import _kept, condition_section, fit_section, network_section, screen_section
from scclamp.tl._report_source import Source


class Cells(HTMLParser):
    """Texts of the cells of a table, row by row."""

    def __init__(self):
        super().__init__()
        self.rows, self.inside = [], False

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        self.inside = tag in ("td", "th")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1].append(data)

    def handle_endtag(self, tag):
        self.inside = False


def rows_of(section):
    parser = Cells()
    parser.feed(section.body)
    return [row for row in parser.rows if row]


def facts_of(section):
    return {k: unescape(v) for k, v in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", section.body)}


@pytest.fixture(scope="module")
def source():
    adata = sc_c.datasets.simulated("tiny")
    sc_c.tl.fit(adata, max_epochs=5)
    return Source(adata, decode(adata, "clamp"), None, "clamp", None)


def test_the_screen_is_counted(source):
    counts = source.adata.obs["perturbation"].astype(str).value_counts()
    found = facts_of(screen_section(source))
    assert found["control observations"] == f"{counts['control']:,}"
    assert found["single perturbations"] == str(sum("+" not in name for name in counts.index) - 1)
    assert found["combinations"] == str(sum("+" in name for name in counts.index))
    others = counts.drop("control")
    assert (
        found["observations per perturbation"] == f"{int(others.median())} (median), {others.min()} to {others.max()}"
    )


def test_the_fit_is_told_from_its_diagnostics(source):
    found = facts_of(fit_section(source))
    diagnostics = source.adata.uns["clamp"]["diagnostics"]
    n = np.asarray(diagnostics["status"]).shape[1]
    assert found["conditions that settled"] == f"{n} of {n}"
    assert found["largest spectral radius"].startswith(f"{np.max(diagnostics['spectral_radius']):.3f}")


@pytest.mark.parametrize(("epochs", "said"), [([0], True), ([1, 0], True), ([7], False), ([0, 7], False)])
def test_a_start_that_was_kept_is_said(epochs, said):
    text = _kept(np.asarray(epochs))
    assert text.startswith(", ".join(map(str, epochs)))
    assert ("not estimates" in text) == said


def test_a_condition_that_did_not_settle_is_counted(source):
    result = source.result
    status = np.array(result.diagnostics["status"])
    status[0, 2] = 3
    from dataclasses import replace

    broken = replace(source, result=replace(result, diagnostics={**result.diagnostics, "status": status}))
    n = status.shape[1]
    assert facts_of(fit_section(broken))["conditions that settled"] == f"{n - 1} of {n}"


def test_the_strongest_edges_are_listed(source):
    edges = sc_c.get.adjacency(source.adata)
    head, *rows = rows_of(network_section(source))
    assert head == ["regulator", "target", "weight"]
    assert [row[:2] for row in rows] == edges[["regulator", "target"]].head(25).values.tolist()


@pytest.mark.parametrize(("n", "caption"), [(12, "all 12 regulators"), (14, "the 12 strongest of 14 regulators")])
def test_every_regulator_is_drawn_unless_there_are_many(n, caption, monkeypatch):
    genes, regulators = [f"G{i:02d}" for i in range(40)], [f"G{i:02d}" for i in range(n)]
    rng = np.random.default_rng(0)
    rows = [(r, g, rng.normal()) for r in regulators for g in genes if r != g]
    edges = pd.DataFrame(rows, columns=["regulator", "target", "weight"]).sort_values("weight", key=lambda w: -w.abs())
    drawn = []
    monkeypatch.setattr("scclamp.get.adjacency", lambda *_, **__: edges)
    monkeypatch.setattr("scclamp.pl.network", lambda _, top, **__: drawn.extend(top))
    monkeypatch.setattr("scclamp.pl.adjacency", lambda *_, **__: None)
    monkeypatch.setattr("scclamp.tl._report_fit.picture", lambda _, text: text)
    measured = SimpleNamespace(regulators=regulators, regulator_rows=range(n))
    body = network_section(Source(None, measured, None, "clamp", None)).body
    assert f"Strongest targets of {caption}." in body
    assert len(set(drawn)) == 12


def test_regulators_that_were_not_measured_are_marked(source):
    assert "not measured" not in network_section(source).body
    screen = sc_c.datasets.simulated("tiny")
    adata = screen[:, screen.var_names != "REG05"].copy()
    sc_c.tl.fit(adata, unmeasured="latent", max_epochs=2)
    section = network_section(Source(adata, decode(adata, "clamp"), None, "clamp", None))
    head, *rows = rows_of(section)
    assert head == ["regulator", "target", "weight", "the weight says"]
    marked = {row[0]: row[3] for row in rows}
    assert marked.pop("REG05") == "what its perturbation does (not measured)"
    assert set(marked.values()) == {"what its level does"}
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", section.body)
    assert "neither activation nor repression" in captions[0]
    assert "The columns REG05 were not measured" in captions[1]


def test_correlations_leave_out_what_was_held(source):
    head, *rows = rows_of(condition_section(source))
    assert head[:3] == ["condition", "genes", "r"]
    X, labels = source.adata.to_df(), source.adata.obs["perturbation"].astype(str)
    control = X[labels == "control"].mean()
    for name, n, r, seen, _ in (rows[0], rows[-1]):
        answer = sc_c.tl.predict_clamps(source.adata, [name])
        free = ~X.columns.isin(name.split("+"))
        shift = (X[labels == name].mean() - control)[free]
        mine = answer.to_df("predicted").iloc[0][free] - control[free]
        assert int(n) == name.count("+") + 1
        assert float(r) == pytest.approx(np.corrcoef(shift, mine)[0, 1], abs=6e-4)
        assert float(seen) == pytest.approx(np.linalg.norm(shift), rel=6e-3)
    assert [float(row[2]) for row in rows] == sorted((float(row[2]) for row in rows), reverse=True)


def test_the_caption_of_the_course_speaks_of_validation_only_where_there_was_one(source):
    assert "those that validated it" in fit_section(source).body
    adata = sc_c.datasets.simulated("tiny")
    means = adata.to_df().groupby(adata.obs["perturbation"].astype(str)).mean()
    bulk = ad.AnnData(means, obs=pd.DataFrame({"perturbation": means.index}, index=means.index))
    with pytest.warns(InputWarning, match="No condition has cells to validate on"):
        sc_c.tl.fit(bulk, max_epochs=2)
    body = fit_section(Source(bulk, decode(bulk, "clamp"), None, "clamp", None)).body
    assert "no other cells to validate on" in body
    assert "training means" not in body
