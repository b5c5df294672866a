"""Perturbed genes and their own expression."""

import numpy as np
import pytest

import scclamp as sc_c
from scclamp._observed import observed_means
from scclamp._storage import decode
from scclamp.tl._report_regulators import _word, regulator_section, regulators_of
from scclamp.tl._report_source import Source


@pytest.fixture(scope="module")
def fitted():
    screen = sc_c.datasets.simulated("tiny")
    adata = screen[:, screen.var_names != "REG05"].copy()
    sc_c.tl.fit(adata, unmeasured="latent", max_epochs=2)
    return adata


def test_own_expression_is_that_of_the_cells(fitted):
    table = regulators_of(decode(fitted), observed_means(fitted, None, "clamp")).set_index("regulator")
    X, labels = fitted.to_df(), fitted.obs["perturbation"].astype(str)
    for name, row in table.drop("REG05").iterrows():
        before, after = (X.loc[labels == label, name].mean() for label in ("control", name))
        np.testing.assert_allclose([row["in the control"], row["where perturbed"]], [before, after], rtol=1e-5)
        assert row["observations"] == (labels == name).sum()
        assert row["its own expression"] == ("raised" if after > before else "lowered")
    assert table.at["REG05", "its own expression"] == "not measured (latent dose)"
    assert table.at["REG05", "held at"] == 1


@pytest.mark.parametrize(
    ("change", "word"), [(0.3, "raised"), (-0.3, "lowered"), (0.05, "about the same"), (np.nan, "not perturbed alone")]
)
def test_words(change, word):
    assert _word(change, measured=True) == word


def test_the_page_has_a_row_for_each(fitted):
    body = regulator_section(Source(fitted, decode(fitted), None, "clamp", None)).body
    assert body.count("<tr>") == 9
    assert "REG05" in body


def test_what_happened_to_all_of_them_is_counted(fitted):
    rows = regulators_of(decode(fitted), observed_means(fitted, None, "clamp"))
    body = regulator_section(Source(fitted, decode(fitted), None, "clamp", None)).body
    raised = (rows["its own expression"] == "raised").sum()
    assert f"Of 8 genes: {raised} raised, 1 not measured (latent dose)." in body
