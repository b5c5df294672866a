"""`tl.report`: one page, whole, readable, and without a word to anybody else."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

import scclamp as sc_c
from scclamp._errors import InputError, InputWarning, StorageError

_browser = runpy.run_path(str(Path(__file__).parents[1] / "_browser.py"))


@pytest.fixture(scope="module")
def fitted():
    adata = sc_c.datasets.simulated("tiny")
    sc_c.tl.fit(adata, max_epochs=20)
    return adata


@pytest.fixture(scope="module")
def judged(fitted):
    adata = fitted.copy()
    sc_c.tl.evaluate(adata, rng=0)
    sets = {f"module {j}": list(adata.var_names[adata.varm["true_A"][:, j] != 0]) for j in range(4)}
    sc_c.tl.enrich(adata, sets, min_size=3, n_top=10)
    sc_c.tl.transmission(adata, ["pca"], n_cells=8, n_seeds=2, n_bootstrap=20, rng=0)
    return adata


@pytest.fixture(scope="module")
def page(judged, tmp_path_factory):
    return sc_c.tl.report(judged, tmp_path_factory.mktemp("report") / "report.html", title="KLF1 & friends")


def test_everything_that_was_asked_is_on_the_page(page, judged):
    text = page.read_text(encoding="utf-8")
    for heading in ("The verdict", "The screen", "The fit", "The network", "Condition by condition"):
        assert f"<h2>{heading}</h2>" in text
    for heading in ("Agreement with known gene sets", "What encoders let through", "What this cannot say"):
        assert f"<h2>{heading}</h2>" in text
    assert "KLF1 &amp; friends" in text
    edge = sc_c.get.adjacency(judged).iloc[0]
    assert f'<td class="words">{edge["regulator"]}</td><td class="words">{edge["target"]}</td>' in text
    assert 'class="missing"' not in text


def test_what_was_not_asked_is_said(fitted, tmp_path):
    text = sc_c.tl.report(fitted, tmp_path / "r.html").read_text(encoding="utf-8")
    assert text.count('class="missing"') == 2
    assert "sc_c.tl.evaluate(adata)" in text
    assert "sc_c.tl.enrich(adata, sets)" in text
    assert "What encoders let through" not in text
    headings = re.findall("<h2>(.*?)</h2>", text)
    assert headings == [
        "The screen",
        "The perturbed genes",
        "The fit",
        "The network",
        "Condition by condition",
        "Not on this page",
        "What this cannot say",
        "How it was made",
    ]
    assert "scclamp report --evaluate" in text


def test_a_verdict_on_another_fit_is_not_shown(judged, tmp_path):
    adata = judged.copy()
    verdict = adata.uns["clamp_evaluation"]
    with pytest.warns(InputWarning, match=r"is removed: .*uns\['clamp_evaluation'\]"):
        sc_c.tl.fit(adata, max_epochs=3, rng=1)
    adata.uns["clamp_evaluation"] = verdict
    text = sc_c.tl.report(adata, tmp_path / "r.html").read_text(encoding="utf-8")
    assert "The stored verdict is on another fit" in text
    assert "<h2>The verdict</h2>" not in text


def test_the_data_stay_as_they_are(judged, tmp_path):
    before = {
        name: np.array(
            judged.layers[name].toarray() if hasattr(judged.layers[name], "toarray") else judged.layers[name]
        )
        for name in judged.layers
        if name
    }
    keys = (set(judged.layers), set(judged.obs), set(judged.var), set(judged.uns), set(judged.varm))
    sc_c.tl.report(judged, tmp_path / "r.html")
    assert keys == (set(judged.layers), set(judged.obs), set(judged.var), set(judged.uns), set(judged.varm))
    for name, values in before.items():
        now = judged.layers[name]
        assert np.array_equal(values, now.toarray() if hasattr(now, "toarray") else now)


def test_a_fit_is_reported_after_it_was_written_and_read(judged, tmp_path):
    judged.write_h5ad(tmp_path / "a.h5ad")
    text = sc_c.tl.report(sc_c.read(tmp_path / "a.h5ad"), tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<h2>The verdict</h2>" in text


def test_a_browser_shows_it_without_error_and_without_asking_anybody(page, tmp_path):
    browser = _browser["find_browser"]()
    if browser is None:
        pytest.skip("no Chromium: install one, or name it in SCCLAMP_BROWSER")
    seen = _browser["look_at"](browser, page, tmp_path)
    assert seen.console == []
    assert seen.requests == []
    assert seen.dom.count("<img") >= 6
    picture = tmp_path / "page.png"
    _browser["look_at"](browser, page, tmp_path, picture)
    from matplotlib.image import imread

    drawn = imread(picture)[..., :3]
    assert drawn.std() > 0.05, "the page is blank"


def test_the_browser_would_complain(tmp_path):
    """Otherwise the test above could not fail."""
    browser = _browser["find_browser"]()
    if browser is None:
        pytest.skip("no Chromium: install one, or name it in SCCLAMP_BROWSER")
    bad = tmp_path / "bad.html"
    bad.write_text('<!doctype html><script>undefined.x</script><img src="http://localhost:9/a.png">')
    seen = _browser["look_at"](browser, bad, tmp_path)
    assert seen.console
    assert any("localhost:9" in address for address in seen.requests)


@pytest.mark.parametrize(
    ("path", "message"),
    [("r.pdf", "must end in '.html'"), ("missing/r.html", "does not exist"), ("there.html", "overwrite=True")],
)
def test_a_path_that_does_not_do(fitted, tmp_path, path, message):
    (tmp_path / "there.html").write_text("mine")
    with pytest.raises(InputError, match=message):
        sc_c.tl.report(fitted, tmp_path / path)
    assert (tmp_path / "there.html").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["there.html"]


def test_overwriting_replaces(fitted, tmp_path):
    path = tmp_path / "r.html"
    path.write_text("old")
    assert sc_c.tl.report(fitted, path, overwrite=True) == path
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_without_a_fit_the_error_says_so(tmp_path):
    with pytest.raises((InputError, StorageError), match=r"tl\.fit"):
        sc_c.tl.report(sc_c.datasets.simulated("tiny"), tmp_path / "r.html")
    assert list(tmp_path.iterdir()) == []


def test_a_screen_of_singles_only_has_a_report(tmp_path):
    adata = sc_c.datasets.simulated("tiny")
    adata = adata[~adata.obs["perturbation"].astype(str).str.contains("+", regex=False)].copy()
    sc_c.tl.fit(adata, max_epochs=3, n_seeds=2)
    text = sc_c.tl.report(adata, tmp_path / "r.html").read_text(encoding="utf-8")
    assert "No combination was observed" in text
    assert "the screen holds no combinations" in text
    assert "scclamp benchmark" in text
    assert "tl.evaluate" not in text
    assert "one member" not in text
    assert "members that agree on the sign" in text
