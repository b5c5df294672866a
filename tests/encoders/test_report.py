import numpy as np
import pytest

from scclamp.encoders import Report

ROWS = [
    ("gradient flow", 0.25, np.nan, 0.5, False, "few genes"),
    ("sensitivity", 0.2, 0.3, 0.01, True, "long enough"),
    ("discriminability", 0.5, 0.5, 1.5, None, "too few"),
]


def test_a_failure_is_said_and_what_is_undecided_fails_nothing():
    report = Report.of("net", ROWS)
    assert not report.passed
    assert report.failures == ["gradient flow (0.25): few genes"]
    assert Report.of("net", ROWS[1:]).passed
    assert list(report.table["passed"]) == [False, True, None]
    assert list(report.table) == ["check", "figure", "gene_space", "threshold", "passed", "meaning"]


@pytest.mark.parametrize("what", ["encoder 'net': 1 checks FAILED", "FAILED    gradient flow: 0.25 (threshold 0.5)"])
def test_text(what):
    text = str(Report.of("net", ROWS))
    assert what in text
    assert "passed    sensitivity: 0.2 (threshold 0.01; gene space 0.3)\n            long enough" in text
    assert "undecided discriminability" in text
    assert "no check failed" in str(Report.of("net", ROWS[1:]))
