import itertools
import runpy
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

import scclamp as sc_c
from scclamp._errors import InputError

fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))


@pytest.fixture(scope="module")
def enriched():
    adata = fits["simulated_fit"]()
    truth = adata.varm["true_A"]
    sets = {f"module {j + 1}": list(adata.var_names[truth[:, j] != 0]) for j in range(8)}
    sc_c.tl.enrich(
        adata,
        {"modules": sets, "halves": {"odd": adata.var_names[1::2], "even": adata.var_names[::2]}},
        n_top=8,
        min_size=3,
    )
    return adata


def test_the_stored_result_and_its_table_are_drawn_alike(enriched):
    stored, given = (sc_c.pl.enrichment(each) for each in (enriched, enriched.uns["clamp_enrichment"]))
    for one, other in zip(stored.child_axes[:2], given.child_axes[:2], strict=True):
        np.testing.assert_array_equal(one.get_images()[0].get_array(), other.get_images()[0].get_array())
    table = enriched.uns["clamp_enrichment"]
    assert len(stored.child_axes[0].get_xticks()) == table["regulator"].nunique() == 8
    dots = sum(len(panel.collections[0].get_offsets()) for panel in stored.child_axes[:2])
    assert dots == (table["p_adjusted"] < 0.05).sum() > 0


def test_another_key_is_read(enriched):
    enriched.uns["mine"] = enriched.uns["clamp_enrichment"].query("library == 'halves'")
    ax = sc_c.pl.enrichment(enriched, "REG02", enrichment="mine")
    assert {label.get_text() for label in ax.child_axes[0].get_yticklabels()} == {"even", "odd"}


def test_picture(enriched, same_image):
    fig, ax = plt.subplots(figsize=(5.0, 2.6), layout="constrained")
    sc_c.pl.enrichment(enriched, ["REG01", "REG02", "REG05"], expected={"REG01": "module 1"}, ax=ax)
    same_image(fig, "enrichment")


def test_letters_are_inside_and_apart(enriched):
    ax = sc_c.pl.enrichment(enriched)
    fig = ax.figure
    fig.canvas.draw()
    drawn, page = fig.get_tightbbox(), fig.get_size_inches()
    assert (drawn.min > -0.02).all()
    assert (drawn.max < page + 0.02).all()
    for panel in ax.child_axes[:3]:
        rows = [label.get_window_extent() for label in panel.get_yticklabels()]
        assert all(one.y0 > other.y1 - 1 for one, other in itertools.pairwise(rows))
        assert all(
            text.get_fontsize() >= 7 for text in [*panel.get_yticklabels(), *panel.get_xticklabels(), *panel.texts]
        )


def test_conventions(enriched, monkeypatch):
    before = dict(mpl.rcParams)
    fig, ax = plt.subplots()
    assert sc_c.pl.enrichment(enriched, "REG01", ax=ax) is ax
    assert sc_c.pl.enrichment(enriched, "REG01", ax=ax, return_fig=True) is fig
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(True))
    assert sc_c.pl.enrichment(enriched, "REG01", show=True) is None
    assert shown == [True]
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"regulators": "REG1"}, "Did you mean 'REG01'"),
        ({"libraries": "modul"}, "libraries: 'modul' is not there. Did you mean 'modules'"),
        ({"n_terms": 0}, "n_terms=0 must be a whole number"),
        ({"values": "p"}, "values='p' is not known"),
        ({"enrichment": "none"}, r"no uns\['none'\]. Run scclamp.tl.enrich"),
        ({"expected": {"REG01": "module 9"}}, "which is not drawn"),
    ],
)
def test_what_cannot_be_drawn_is_said(enriched, options, message):
    with pytest.raises(InputError, match=message):
        sc_c.pl.enrichment(enriched, **options)
