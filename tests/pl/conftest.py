import runpy
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _closed_figures():
    """Pyplot keeps every figure until it is closed, and warns of many."""
    yield
    from matplotlib import pyplot as plt

    plt.close("all")


@pytest.fixture
def same_image(tmp_path):
    """`same_image(figure, name)` compares a figure with `baseline/<name>.png`; matplotlib's own settings hold meanwhile."""
    images = runpy.run_path(str(Path(__file__).parent / "_images.py"))
    with images["defaults"]():
        yield images["comparer"](tmp_path)
