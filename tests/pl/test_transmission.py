import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

import scclamp as sc_c
from scclamp._errors import InputError
from scclamp.encoders import as_encoder


@pytest.fixture(scope="module")
def measured():
    adata = sc_c.datasets.simulated("tiny")
    lenses = {
        "every other gene": as_encoder(lambda x: x[..., ::2], name="half", affine=True),
        "bent": as_encoder(lambda x: x.tanh(), name="bent"),
    }
    sc_c.tl.transmission(adata, lenses, n_cells=4, n_seeds=2, n_bootstrap=20, rng=0)
    return adata


def test_four_panels(measured):
    a, b, c, d, _ = sc_c.pl.transmission(measured, n_perturbations=5).child_axes
    assert [label.get_text() for label in a.get_yticklabels()] == ["identity", "every other gene", "bent"]
    components = measured.uns["transmission"]["components"].query("basis == 'gamma'")
    for panel, column in ((b, "t"), (c, "captured")):
        for line, name in zip(panel.get_lines(), ("identity", "every other gene", "bent"), strict=True):
            np.testing.assert_allclose(line.get_ydata(), components[components["encoder"] == name][column])
    assert d.get_images()[0].get_array().shape == (2, 5)
    assert "".join(panel.texts[-1].get_text() for panel in (a, b, c, d)) == "abcd"


def test_picture(measured, same_image):
    fig, ax = plt.subplots(figsize=(7.5, 3.8), layout="constrained")
    sc_c.pl.transmission(measured, ax=ax)
    same_image(fig, "transmission")


def test_letters_are_inside_and_readable(measured):
    for options in ({}, {"encoders": ["identity", "bent"], "n_perturbations": 2, "basis": "alpha"}):
        ax = sc_c.pl.transmission(measured, **options)
        fig = ax.figure
        fig.canvas.draw()
        drawn = fig.get_tightbbox()
        assert (drawn.min > -0.02).all()
        assert (drawn.max < fig.get_size_inches() + 0.02).all()
        texts = [text for text in fig.findobj(mpl.text.Text) if text.get_text() and text.get_visible()]
        assert min(text.get_fontsize() for text in texts) >= 7


def test_conventions(measured, monkeypatch):
    before = dict(mpl.rcParams)
    fig, ax = plt.subplots()
    assert sc_c.pl.transmission(measured, ax=ax) is ax
    assert sc_c.pl.transmission(measured, ax=ax, return_fig=True) is fig
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(True))
    assert sc_c.pl.transmission(measured, show=True) is None
    assert shown == [True]
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [({"n_perturbations": 0}, "n_perturbations=0 must be"), ({"key": "none"}, "Run scclamp.tl.transmission")],
)
def test_what_cannot_be_drawn_is_said(measured, options, message):
    with pytest.raises(InputError, match=message):
        sc_c.pl.transmission(measured, **options)
