import pytest


@pytest.fixture(autouse=True)
def _closed_figures():
    """Pyplot keeps every figure until it is closed, and warns of many."""
    yield
    from matplotlib import pyplot as plt

    plt.close("all")
