"""`scclamp report` writes the page that `tl.report` writes."""

import json

import pytest

import scclamp as sc_c


def test_the_page_is_that_of_python(call, fitted, fitted_file, tmp_path):
    done = call("report", fitted_file, "-o", tmp_path / "page.html", "--title", "A screen of ours")
    assert done == (0, f"Wrote {tmp_path / 'page.html'}\n", "")
    sc_c.tl.report(fitted, tmp_path / "python.html", title="A screen of ours")
    found, expected = ((tmp_path / name).read_text(encoding="utf-8") for name in ("page.html", "python.html"))
    assert "A screen of ours" in found
    assert f"<dt>file</dt><dd>{fitted_file.name}</dd>" in found
    assert "<dt>control labels</dt><dd>&#x27;control&#x27; (60)</dd>" in found
    assert "<dt>labels</dt><dd>obs[&#x27;perturbation&#x27;], as read in obs[&#x27;perturbation&#x27;]</dd>" in found
    assert found.count("<svg") + found.count("<img") == expected.count("<svg") + expected.count("<img") > 0
    assert "Verdict on 6 combinations" not in found


def test_the_verdict_may_be_made_on_the_way(call, fitted_file, tmp_path):
    done = call("report", fitted_file, "-o", tmp_path / "page.html", "--evaluate", "--json")
    assert json.loads(done.out)["output"] == str(tmp_path / "page.html")
    assert "6 combinations" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_the_law_may_be_left_out_on_all_of_the_page(call, fitted_file, tmp_path):
    done = call("report", fitted_file, "-o", tmp_path / "page.html", "--evaluate", "--steady-state")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert (done.code, "network, steady state" in text) == (0, False)
    assert "without the law of crowding" in text


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["-o", "page.pdf"], 1, "End it in .html."),
        (["-o", "page.html", "--key", "other"], 1, "'other' is no fit of the file"),
        (["-o", "page.html", "--categories", "kind"], 2, "--categories is about --evaluate"),
        (["-o", "page.html", "--steady-state"], 2, "--steady-state is about --evaluate"),
        ([], 2, "required: -o/--output"),
    ],
)
def test_errors_leave_nothing_behind(call, fitted_file, monkeypatch, argv, code, message, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = call("report", fitted_file, *argv)
    assert (done.code, done.out, message in done.err) == (code, "", True)
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_exists_is_replaced_only_by_force(call, fitted_file, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("precious")
    assert call("report", fitted_file, "-o", page).code == 1
    assert call("report", fitted_file, "-o", page, "--force", "--key", "other").code == 1
    assert page.read_text() == "precious"
    assert call("report", fitted_file, "-o", page, "--force").code == 0
    assert page.read_text().startswith("<!doctype html>")
