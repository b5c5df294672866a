import dataclasses
import itertools
import runpy
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection

import scclamp as sc_c
from scclamp._errors import InputError
from scclamp._storage import decode, encode

fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))


@pytest.fixture(scope="module")
def fitted():
    return fits["simulated_fit"]()


def _names(ax):
    return [text.get_text() for text in ax.texts]


def test_the_strongest_targets_of_each_are_drawn(fitted):
    ax = sc_c.pl.network(fitted, ["REG01", "REG05"], n_targets=4)
    edges = sc_c.get.top_targets(fitted, ["REG01", "REG05"], n=4)
    edges = edges[edges["weight"] != 0]
    assert set(_names(ax)) == {*edges["regulator"], *edges["target"]}
    drawn = {c.get_label(): len(c.get_segments()) for c in ax.collections if isinstance(c, LineCollection)}
    assert drawn["activation"] == (edges["weight"] > 0).sum()
    assert drawn["repression"] == (edges["weight"] < 0).sum()


def test_picture(fitted, same_image):
    reference = sc_c.get.adjacency(fitted, min_weight=0.5).rename(columns={"regulator": "source"})
    # Of a size of its own: that of the figure that is made depends on the letters of the machine.
    fig, ax = plt.subplots(figsize=(5.5, 2.3), layout="constrained")
    sc_c.pl.network(fitted, ["REG01", "REG02", "REG03"], reference=reference, ax=ax)
    same_image(fig, "network")


def test_picture_of_a_ring(same_image):
    fitted = fits["simulated_fit"](n_members=4, spread=0.3)
    fig, ax = plt.subplots(figsize=(6.3, 4.6), layout="constrained")
    sc_c.pl.network(fitted, n_edges=16, ax=ax)
    same_image(fig, "network_ring")


@pytest.mark.parametrize("regulators", [["REG01", "REG02"], None])
def test_letters_are_readable_and_apart_at_the_size_of_the_figure(fitted, regulators):
    ax = sc_c.pl.network(fitted, regulators)
    ax.figure.canvas.draw()
    scale = ax.transData.transform([[0, 0], [1, 0]])
    assert np.diff(scale[:, 0])[0] * 72 / ax.figure.dpi > 0.95
    boxes = [t.get_window_extent() for t in ax.texts if t.get_rotation() == 0]
    assert len(boxes) >= 2
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    whole = ax.figure.bbox
    legend = ax.get_legend().get_window_extent()
    assert whole.x0 <= legend.x0 < legend.x1 <= whole.x1
    assert not any(legend.overlaps(t.get_window_extent()) for t in ax.texts)


def test_conventions(fitted, monkeypatch):
    before = dict(mpl.rcParams)
    fig, ax = plt.subplots()
    assert sc_c.pl.network(fitted, "REG01", ax=ax) is ax
    assert sc_c.pl.network(fitted, "REG01", ax=ax, return_fig=True) is fig
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(True))
    assert sc_c.pl.network(fitted, "REG01", show=True) is None
    assert shown == [True]
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("n_members", [1, 4])
def test_effects_of_losses_turn_the_edges_of_measured_regulators(n_members):
    screen = fits["simulated_fit"](n_members=n_members, spread=0.2)
    fit = decode(screen)
    doses = fit.conditions | {"clamp_values": np.zeros((9, 8))}
    encode(screen, dataclasses.replace(fit, conditions=doses, control_mean=np.full_like(fit.control_mean, 1.5)))
    weights, gained, lost = (
        sc_c.pl.network(screen, "REG01", n_targets=6, effect=effect) for effect in (None, "gain", "loss")
    )

    def drawn(ax):
        shafts = (c for c in ax.collections if c.get_label() in ("activation", "repression"))
        return {
            c.get_label(): (len(c.get_paths()), np.round(np.sort(c.get_linewidths()).astype(float), 4).tolist())
            for c in shafts
        }

    assert drawn(lost) == drawn(weights)
    assert drawn(gained)["activation"] == drawn(weights)["repression"]
    texts = [text.get_text() for text in lost.get_legend().get_texts()]
    assert any(text.startswith("effect ") for text in texts)
    assert not any(text.startswith("weight ") for text in texts)


def test_an_ensemble_shows_its_confidence(fitted):
    ensemble = fits["simulated_fit"](n_members=4, spread=0.3)
    texts = [text.get_text() for text in sc_c.pl.network(ensemble).get_legend().get_texts()]
    assert any("times its spread" in text for text in texts)
    texts = [text.get_text() for text in sc_c.pl.network(fitted).get_legend().get_texts()]
    assert not any("spread" in text for text in texts)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"regulators": "REG1"}, InputError, "Did you mean 'REG01'"),
        ({"n_targets": 0}, InputError, "n_targets=0 must be a whole number"),
        ({"n_edges": 1.5}, InputError, r"n_edges=1\.5 must be a whole number"),
        ({"by": "confidence"}, InputError, "needs several members"),
        ({"reference": {"F": ["x"]}}, InputError, "reference is a dict"),
        ({"key": "other"}, InputError, "Run scclamp.tl.fit"),
    ],
)
def test_what_cannot_be_drawn_is_said(fitted, options, error, message):
    with pytest.raises(error, match=message):
        sc_c.pl.network(fitted, **options)
