"""The outline that is printed stays short and says everything that was not simply taken over."""

import pandas as pd

from scclamp.pp._label_report import describe, outline


def report(rows):
    return pd.DataFrame(rows, columns=["label", "perturbation", "n_cells", "status", "note"])


def test_the_outline_stays_short_whatever_the_screen():
    rows = [
        ("NT", "control", 50, "mapped", ""),
        ("AAVS1", "control", 5, "mapped", "taken for a control, beside 'NT': x"),
    ]
    rows += [(f"G{i}", f"G{i}", 2, "mapped", f"not measured: 'G{i}'") for i in range(500)]
    rows += [(f"old{i}", f"NEW{i}", 1, "renamed", "is called") for i in range(300)]
    rows += [(f"junk{i}", "", 1, "dropped", "names no perturbation") for i in range(200)]
    rows += [("x" * 500, "", 1, "ambiguous", "reads as"), ("", "", 7, "dropped", "missing")]
    text = outline(report(rows), "perturbation", "guide")
    lines = text.splitlines()
    assert text.endswith("\n")
    assert len(lines) < 12
    assert max(map(len, lines)) < 160
    assert lines[0] == "obs['perturbation'] from obs['guide']: 1563 cells, 800 perturbations and the control"
    assert "  mapped: 502 labels, 1055 cells" in lines
    assert "  renamed: 300 labels, 300 cells: 'old0' -> NEW0, 'old1' -> NEW1, " in text
    assert " and 295 more" in text
    assert "  dropped: 201 labels, 207 cells: 'junk0'" in text
    assert "  with genes that are not measured: 500 labels, 1000 cells: 'G0', " in text
    assert "  taken for a control: 1 label, 5 cells: 'AAVS1'" in lines
    assert "  taken for a control, beside 'NT': x" in lines


def test_a_plain_screen_has_two_lines():
    rows = [("NT", "control", 1, "mapped", ""), ("A", "A", 2, "mapped", "")]
    assert outline(report(rows), "p", "k") == (
        "obs['p'] from obs['k']: 3 cells, 1 perturbation and the control\n  mapped: 2 labels, 3 cells\n"
    )


def test_missing_labels_are_named_so():
    rows = [("NT", "control", 1, "mapped", ""), ("", "", 3, "dropped", "missing")]
    assert "  dropped: 1 label, 3 cells: missing\n" in outline(report(rows), "p", "k")


def test_the_log_has_every_label_that_changed():
    rows = [(f"old{i}", f"NEW{i}", 1, "renamed", "is called") for i in range(30)]
    assert describe(report(rows)).count(" -> NEW") == 30
