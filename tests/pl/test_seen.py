import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scclamp._errors import InputError
from scclamp.pl._seen import key_of, require_shifts, seen_as, shared_genes, table_of

TABLE = pd.DataFrame(np.eye(3), index=["NT", "A", "A+B"], columns=["g", "h", "A"])


def _answer(names=("A+B",), targets=None, uns=()):
    obs = pd.DataFrame({"targets": targets} if targets else None, index=list(names))
    return ad.AnnData(
        np.zeros((len(names), 2)), obs=obs, var=pd.DataFrame(index=["h", "x"]), uns={key: {} for key in uns}
    )


def test_a_table_of_means_gets_its_control():
    assert list(table_of(TABLE, "clamp").index) == ["control", "A", "A+B"]
    with pytest.raises(InputError, match="no row 'control'"):
        table_of(TABLE.drop("NT"), "clamp")


def test_a_long_table_becomes_one_of_means():
    long = TABLE.rename_axis("condition").melt(ignore_index=False, var_name="gene", value_name="observed").reset_index()
    found = table_of(long, "clamp")
    pd.testing.assert_frame_equal(
        found.loc[["control", "A", "A+B"], ["g", "h", "A"]], TABLE.rename({"NT": "control"}), check_names=False
    )
    with pytest.raises(InputError, match="without a column 'observed'"):
        table_of(long.drop(columns="observed"), "clamp")


def test_conditions_are_known_by_their_name_or_their_genes():
    found = seen_as(_answer(["A+B", "mine"], targets=["A+B", "A"]), TABLE)
    assert found == {"A+B": "A+B", "mine": "A"}


def test_the_fit_is_read_from_the_answer():
    assert key_of(_answer(uns=["mine_prediction"])) == "mine"
    assert key_of(_answer(uns=["a_prediction", "b_prediction"])) == key_of(_answer()) == "clamp"


def test_genes_in_common():
    assert shared_genes(_answer(), TABLE) == ["h"]
    with pytest.raises(InputError, match="no gene of adata"):
        shared_genes(_answer(), TABLE[["g"]])
    with pytest.raises(InputError, match="no layer 'shift'"):
        require_shifts(_answer())
