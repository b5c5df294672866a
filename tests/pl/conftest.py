import runpy
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _closed_figures():
    """Pyplot keeps every figure until it is closed, and warns of many."""
    yield
    from matplotlib import pyplot as plt

    plt.close("all")


@pytest.fixture(scope="session")
def images():
    return runpy.run_path(str(Path(__file__).parent / "_images.py"))


@pytest.fixture
def same_image(tmp_path, images):
    """`same_image(figure, name)` compares a figure with `baseline/<name>.png`; matplotlib's own settings hold meanwhile."""
    with images["defaults"]():
        yield images["comparer"](tmp_path)


@pytest.fixture
def legible(images):
    """`legible(figure)` fails where a text is small, outside the figure, or covered by another."""
    with images["defaults"]():
        yield images["legible"]
