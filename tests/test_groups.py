import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scclamp._errors import InputError
from scclamp._groups import groups_of

NAMES = ("A+B", "A+C", "B+C")


def _groups(categories, labels=("ctrl", "A_B", "A_B", "A_C", "B_C"), kinds=("", "x", "x", "y", None)):
    obs = pd.DataFrame({"guide": labels, "kind": kinds}, index=[str(i) for i in range(len(labels))])
    params = {"perturbation_key": "guide", "control": None}
    found = groups_of(
        ad.AnnData(np.zeros((len(labels), 1)), obs=obs), categories, NAMES, genes={*"ABC"}, params=params, mod=None
    )
    return found.tolist()


def test_nothing_groups_nothing():
    assert _groups(None) == [None, None, None]


def test_a_column_and_a_mapping_in_any_dialect_say_the_same():
    assert _groups("kind") == _groups({"B+A": "x", "A_C": "y"}) == ["x", "y", None]


@pytest.mark.parametrize(
    ("categories", "message"),
    [
        ({"A": "x"}, r"categories groups none of them\. The combinations are such as 'A\+B'"),
        ({"A+B": "all"}, "names the group 'all'"),
        ("kin", "categories='kin' is not a column"),
    ],
)
def test_what_groups_nothing_is_refused(categories, message):
    with pytest.raises(InputError, match=message):
        _groups(categories)


def test_cells_of_one_combination_share_their_group():
    with pytest.raises(InputError, match="several groups of 'A_B'"):
        _groups("kind", kinds=("", "x", "y", "y", None))
