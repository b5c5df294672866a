"""Rankings as series of pairs."""

import pandas as pd
import pytest

from scclamp._errors import InputError
from scclamp.metrics._rankings import as_series

A = pd.DataFrame({"regulator": ["A", "B", "B"], "target": ["B", "A", "B"], "weight": [-2.0, 0.5, 9.0]})


def test_series_is_of_pairs_of_two_genes():
    found = as_series("edges", A, "score")
    assert found.to_dict() == {("A", "B"): 2.0, ("B", "A"): 0.5}


def test_a_pair_twice_is_named():
    with pytest.raises(InputError, match=r"edges rank the pair \('A', 'B'\) twice"):
        as_series("edges", pd.concat([A, A]), "score")
