import pytest

from scclamp.pl._axes import finish, new_axes


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
