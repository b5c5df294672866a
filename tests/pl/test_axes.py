import pytest

from scclamp.pl._axes import finish, names_below, new_axes


def test_axes_given_are_used_and_others_made():
    ax = new_axes(None, (2.0, 1.0))
    assert tuple(ax.get_figure().get_size_inches()) == (2.0, 1.0)
    assert new_axes(ax, (5.0, 5.0)) is ax


@pytest.mark.parametrize(
    ("show", "return_fig", "kind"), [(None, False, "Axes"), (None, True, "Figure"), (True, False, "NoneType")]
)
def test_what_comes_back(show, return_fig, kind, monkeypatch):
    from matplotlib import pyplot as plt

    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(True))
    assert type(finish(new_axes(None, (2.0, 2.0)), show=show, return_fig=return_fig)).__name__ == kind
    assert bool(shown) == bool(show)


def test_names_below_follow_the_width_of_axes_that_are_given():
    ax = new_axes(None, (6.0, 1.0))
    ax.set_position([0, 0, 0.5, 1])
    assert names_below(ax, 7) == 25
    assert names_below(None, 7) == 7
