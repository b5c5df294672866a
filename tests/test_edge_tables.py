"""Tables of edges under several names."""

import pandas as pd
import pytest

from scclamp._edge_tables import as_edges
from scclamp._errors import InputError

A = pd.DataFrame({"regulator": ["A", "B", "B"], "target": ["B", "A", "B"], "weight": [-2.0, 0.5, 9.0]})


def test_weights_are_sizes_and_signs():
    found = as_edges("edges", A, ["source", "target", "score", "sign"])
    assert found["score"].tolist() == [2, 0.5, 9]
    assert found["sign"].tolist() == [-1, 1, 1]
    assert found["source"].tolist() == ["A", "B", "B"]
    assert list(A) == ["regulator", "target", "weight"]


def test_own_columns_are_kept():
    table = A.rename(columns={"regulator": "source"}).assign(score=[3.0, 2.0, 1.0], regulator="X")
    found = as_edges("edges", table)
    assert found["score"].tolist() == [3, 2, 1]
    assert found["source"].tolist() == ["A", "B", "B"]


def test_missing_columns_are_named():
    with pytest.raises(InputError, match="edges has no column 'source'"):
        as_edges("edges", A.drop(columns="regulator"))
