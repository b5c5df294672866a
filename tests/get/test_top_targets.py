import runpy
from pathlib import Path

import numpy as np
import pytest

import scclamp as sc_c
from scclamp._errors import InputError

fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))


@pytest.fixture(scope="module")
def screen():
    return fits["simulated_fit"](n_members=4, spread=0.3)


def test_ranks_follow_the_column_of_the_matrix(screen):
    top = sc_c.get.top_targets(screen, n=5)
    regulators = list(screen.uns["clamp"]["regulators"])
    assert top["regulator"].tolist() == [r for r in regulators for _ in range(5)]
    assert top["rank"].tolist() == [1, 2, 3, 4, 5] * 8
    for j, regulator in enumerate(regulators):
        weights = np.abs(screen.varm["clamp_A"][:, j])
        weights[screen.var_names.get_loc(regulator)] = 0
        expected = np.sort(weights)[::-1][:5]
        np.testing.assert_array_equal(top.loc[top["regulator"] == regulator, "weight"].abs(), expected)


def test_regulators_come_in_the_order_asked_for(screen):
    top = sc_c.get.top_targets(screen, ["REG03", "REG01"], n=2)
    assert top["regulator"].tolist() == ["REG03", "REG03", "REG01", "REG01"]
    assert sc_c.get.top_targets(screen, "REG02", n=3)["regulator"].tolist() == ["REG02"] * 3


@pytest.mark.parametrize(("sign", "factor"), [("positive", 1), ("negative", -1)])
def test_sign_is_a_filter_before_the_rank(screen, sign, factor):
    top = sc_c.get.top_targets(screen, "REG04", n=4, sign=sign)
    edges = sc_c.get.adjacency(screen, regulators="REG04")
    expected = (factor * edges["weight"])[factor * edges["weight"] > 0].nlargest(4)
    np.testing.assert_array_equal(factor * top["weight"], expected)


def test_confidence_divides_by_the_spread(screen):
    top = sc_c.get.top_targets(screen, "REG04", n=5, by="confidence")
    edges = sc_c.get.adjacency(screen, regulators="REG04")
    ratio = (edges["weight"].abs() / edges["sd"]).fillna(0)
    np.testing.assert_allclose(top["weight"].abs() / top["sd"], ratio.nlargest(5), rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n=0 must be a whole number"),
        ({"by": "confidense"}, r"by='confidense' is not known\. Did you mean 'confidence'"),
        ({"sign": "up"}, "sign='up' is not known"),
    ],
)
def test_errors_name_the_argument(screen, arguments, message):
    with pytest.raises(InputError, match=message):
        sc_c.get.top_targets(screen, **arguments)


def test_confidence_needs_an_ensemble():
    with pytest.raises(InputError, match="by='confidence' needs several members"):
        sc_c.get.top_targets(fits["simulated_fit"](), by="confidence")
