"""What looks at figures: a comparison that cannot fail compares nothing."""

import numpy as np
import pytest
from matplotlib import pyplot as plt


def _figure(*lines, text="text"):
    fig, ax = plt.subplots(figsize=(4, 3), layout="constrained")
    for line in lines:
        ax.plot(line)
    ax.set_title(text)
    return fig


def test_another_picture_is_told_apart_and_other_words_are_not(tmp_path, monkeypatch, images):
    (tmp_path / "drawn").mkdir()
    compare = images["comparer"](tmp_path / "drawn", tmp_path / "baseline")
    monkeypatch.setenv("SCCLAMP_BASELINES", "write")
    compare(_figure([1, 2, 3]), "one")
    monkeypatch.delenv("SCCLAMP_BASELINES")
    figure = _figure([1, 2, 3], text="other\nwords")
    compare(figure, "one")
    assert figure.axes[0].title.get_visible()
    with pytest.raises(AssertionError, match=r"one\.png differs from"):
        compare(_figure([1, 2, 3], [3, 2, 2]), "one")
    with pytest.raises(pytest.fail.Exception, match=r"no picture two\.png"):
        compare(_figure([1]), "two")


def test_what_moved_a_little_is_the_same_and_what_changed_is_not(images):
    before = np.full((40, 60, 3), 255.0)
    before[20, 5:55] = [0.0, 100.0, 200.0]
    moved = np.roll(before, (2, -1), (0, 1))
    assert images["difference"](before, moved[:-1]) == 0
    assert images["difference"](before, np.roll(before, 5, 0)) > images["TOLERANCE"]
    recoloured = before.copy()
    recoloured[20, 5:55] = [200.0, 100.0, 0.0]
    assert images["difference"](before, recoloured) > images["TOLERANCE"]
    assert images["difference"](recoloured, np.full_like(before, 255.0)) > images["TOLERANCE"]
    assert images["difference"](before, before[:30]) == np.inf


def test_settings_are_back_afterwards(monkeypatch, images):
    monkeypatch.setitem(plt.rcParams, "font.size", 31.0)
    with images["defaults"]():
        assert plt.rcParams["font.size"] == 10.0
    assert plt.rcParams["font.size"] == 31.0


def test_what_can_be_read_passes(legible):
    figure = _figure([1, 2, 3])
    figure.axes[0].set(xlabel="x", ylabel="y", ylim=(1.03, 2.98))
    figure.axes[0].legend(["a line"])
    legible(figure)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda ax: ax.set_xlabel("x", fontsize=6), "below 7"),
        (lambda ax: ax.text(-0.9, 2, "far away"), "'far away' leaves the figure"),
        (lambda ax: [ax.text(1, y, f"label {y}") for y in (2, 2.05)], "'label 2' covers 'label 2.05'"),
        (lambda ax: ax.set_xticks([1, 1.02], ["first", "second"]), "'first' covers 'second'"),
    ],
)
def test_what_cannot_be_read_fails(legible, spoil, message):
    figure = _figure([1, 2, 3])
    figure.canvas.draw()
    figure.set_layout_engine("none")
    spoil(figure.axes[0])
    with pytest.raises(AssertionError, match=message):
        legible(figure)
