"""The comparison of pictures itself: one that cannot fail compares nothing."""

import runpy
from pathlib import Path

import pytest
from matplotlib import pyplot as plt

images = runpy.run_path(str(Path(__file__).parent / "_images.py"))


def _figure(*lines):
    fig, ax = plt.subplots(figsize=(3, 2))
    for line in lines:
        ax.plot(line)
    return fig


def test_another_picture_is_told_apart(tmp_path, monkeypatch):
    (tmp_path / "drawn").mkdir()
    compare = images["comparer"](tmp_path / "drawn", tmp_path / "baseline")
    with images["defaults"]():
        monkeypatch.setenv("SCCLAMP_BASELINES", "write")
        compare(_figure([1, 2, 3]), "one")
        monkeypatch.delenv("SCCLAMP_BASELINES")
        compare(_figure([1, 2, 3]), "one")
        with pytest.raises(AssertionError, match="RMS Value"):
            compare(_figure([1, 2, 3], [3, 2, 2]), "one")
        with pytest.raises(pytest.fail.Exception, match=r"no picture two\.png"):
            compare(_figure([1]), "two")


def test_settings_are_back_afterwards(monkeypatch):
    monkeypatch.setitem(plt.rcParams, "font.size", 31.0)
    with images["defaults"]():
        assert plt.rcParams["font.size"] == 10.0
    assert plt.rcParams["font.size"] == 31.0
