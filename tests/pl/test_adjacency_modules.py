import itertools

import numpy as np
import pytest
from matplotlib import pyplot as plt

from scclamp.pl._adjacency_modules import describe_modules, draw_modules, leaves_in_order, modules, regulator_tree


@pytest.fixture
def weights():
    """Two modules of three and two regulators that share a direction, two that act like no other, mixed up."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 300))
    columns = [first, second, -2 * first, first, rng.normal(size=300), 3 * second, 0.5 * first, rng.normal(size=300)]
    noisy = np.stack(columns, 1) + 0.3 * rng.normal(size=(300, 8))
    noisy[:, 7] = 0.0
    return noisy


def cosine(weights):
    norm = np.maximum(np.linalg.norm(weights, axis=0), 1e-12)
    return weights.T @ weights / norm / norm[:, None]


def test_modules_are_regulators_that_act_alike(weights):
    labels = modules(regulator_tree(weights), None)
    alike = cosine(weights) > 0.5
    for i, j in itertools.combinations(range(8), 2):
        assert (labels[i] == labels[j] != 0) == alike[i, j]
    assert labels[[2, 4, 7]].tolist() == [0, 0, 0]


@pytest.mark.parametrize("n", [2, 5, 8])
def test_the_tree_is_cut_where_it_is_told(weights, n):
    tree = regulator_tree(weights)
    labels = modules(tree, n)
    assert sorted(set(labels)) == list(range(1, n + 1))
    across = labels[leaves_in_order(tree)]
    assert (np.diff(across) >= 0).all()


def test_neighbours_in_the_order_are_alike(weights):
    order = leaves_in_order(regulator_tree(weights))
    C = cosine(weights)
    along = [C[a, b] for a, b in itertools.pairwise(order)]
    by_chance = [C[a, b] for a, b in itertools.pairwise(range(8))]
    assert sorted(order) == list(range(8))
    assert np.sum(along) > np.sum(by_chance)


def test_own_weights_are_no_reason_to_differ(weights):
    hidden = weights.copy()
    hidden[0, :] = np.nan
    assert modules(regulator_tree(hidden), None).tolist() == modules(regulator_tree(weights), None).tolist()


def test_the_bar_spans_the_columns_of_each_module():
    _, ax = plt.subplots(figsize=(4, 2))
    ax.set(xlim=(-0.5, 6.5))
    draw_modules(ax, np.array([1, 1, 0, 2, 2, 2, 0]))
    bars = {bar.get_label(): [bar.get_x(), bar.get_x() + bar.get_width()] for bar in ax.patches}
    assert bars == {"module 1": [-0.5, 1.5], "module 2": [2.5, 5.5]}
    places = {text.get_text(): text.get_position()[0] for text in ax.texts}
    assert (places["1"], places["2"]) == (0.5, 4.0)
    assert len({bar.get_facecolor() for bar in ax.patches}) == 2


def test_the_bar_is_inside_the_figure_without_the_help_of_its_names():
    figure, ax = plt.subplots(figsize=(4, 2), layout="constrained")
    ax.set(xlim=(-0.5, 6.5))
    draw_modules(ax, np.array([1, 1, 0, 2, 2, 2, 0]))
    for text in ax.texts:
        text.set_in_layout(False)
    figure.canvas.draw()
    axes, whole = ax.get_window_extent(), figure.bbox
    for bar in ax.patches:
        box = bar.get_window_extent()
        assert axes.y1 < box.y0 < box.y1 < whole.y1
        assert box.height == pytest.approx(9 / 72 * figure.dpi)


def test_without_modules_there_is_no_bar():
    _, ax = plt.subplots()
    draw_modules(ax, np.zeros(4, int))
    assert not ax.patches
    assert not ax.texts


def test_members_are_listed_where_columns_have_no_names():
    labels = np.array([1] * 10 + [0, 2, 2])
    text = describe_modules(labels, [f"R{i}" for i in range(13)], 120)
    assert " ".join(text.split()) == "1: R0, R1, R2, R3, R4, R5, R6, R7 and 2 more; 2: R11, R12"
    assert max(map(len, text.splitlines())) <= 120 / 4.2
