import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scclamp._errors import InputError
from scclamp._result import Result

pytestmark = pytest.mark.filterwarnings(r"ignore:.*(infer_string|chained_assignment)")
example_result = runpy.run_path(str(Path(__file__).parent / "data" / "make_golden.py"))["example_result"]


def test_fields_are_copies_in_one_plain_form():
    weights = np.asfortranarray(np.ones((2, 1), dtype=">f4"))
    result = Result(
        A=weights,
        b=[0.0, 1.0],
        genes=["g", "h"],
        regulators=np.array(["h"], dtype=object),
        regulator_rows=[1],
        control_mean=np.zeros(2),
        kinetics={"n": np.array(2.0), "gamma": np.float32(0.5), "K": [1, 2]},
        history=pd.DataFrame({"step": pd.Categorical(["a", "b"]), "x": [1, 2]}),
        params={"betas": (0.9, np.float64(0.999))},
        conditions={"names": np.array(["a", "bb"], dtype=np.dtypes.StringDType()), "control": b"a"},
    )
    weights[:] = 7
    assert result.A.tolist() == [[1.0], [1.0]]
    assert result.A.dtype == np.dtype("=f4")
    assert result.A.flags.c_contiguous
    assert result.genes == ("g", "h")
    assert result.regulators == ("h",)
    assert list(result.kinetics) == ["K", "gamma", "n"]
    assert type(result.kinetics["n"]) is float
    assert type(result.kinetics["gamma"]) is float
    assert result.kinetics["K"].dtype == np.int64
    assert result.history["step"].tolist() == ["a", "b"]
    assert result.params == {"betas": [0.9, 0.999]}
    assert result.conditions["names"].dtype == np.dtype("<U2")
    assert result.conditions["control"] == "a"


def test_no_regulators_is_a_result_too():
    result = replace(
        example_result(), A=np.zeros((12, 0)), A_sd=None, regulators=(), regulator_rows=np.zeros(0, dtype=int)
    )
    assert result.A.shape == (12, 0)
    assert "A_sd" not in result.digests


def test_digests_name_each_entry_and_follow_each_change():
    result = example_result()
    assert {"A", "A_sd", "b", "genes", "params", "kinetics['K']", "members['A']", "history"} <= result.digests.keys()
    changed = replace(result, kinetics={**result.kinetics, "gamma": np.nextafter(0.1, 1)})
    different = {name for name in result.digests if result.digests[name] != changed.digests[name]}
    assert different == {"kinetics['gamma']"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"A": np.zeros((12, 2))}, r"A has shape \(12, 2\)"),
        ({"A": np.zeros((12, 3), dtype=int)}, "A must be an array of float32 or float64. Got int64"),
        ({"A_sd": np.zeros((3, 12))}, "A_sd has shape"),
        ({"b": np.zeros(3)}, "b has shape"),
        ({"genes": ("GENE0",) * 12}, "genes has names twice: 'GENE0'"),
        ({"regulator_rows": [2, 8, -1]}, "regulator_rows points 'GENE7'"),
        ({"regulator_rows": [2, 12, -1]}, "regulator_rows must be integers"),
        ({"regulator_rows": [2, 7, -2]}, "regulator_rows must be integers"),
        ({"regulator_rows": [2.0, 7.0, -1.0]}, "regulator_rows must be integers"),
        ({"kinetics": {"a/b": 1.0}}, "kinetics has the key 'a/b'"),
        ({"kinetics": {1: 1.0}}, "kinetics has the key 1"),
        ({"diagnostics": {"x": None}}, r"diagnostics\['x'\] holds objects"),
        ({"diagnostics": {"x": np.array(["a", None])}}, r"diagnostics\['x'\] holds objects"),
        ({"members": {"z": np.zeros(2, dtype=complex)}}, r"members\['z'\] is of dtype complex128"),
        ({"conditions": {"t": np.zeros(2, dtype="datetime64[s]")}}, r"conditions\['t'\] is of dtype datetime64"),
        ({"history": pd.DataFrame({"a/b": [1]})}, "history has the key 'a/b'"),
        ({"history": pd.DataFrame({"a": [1]}, index=["x"])}, "history must have unique columns and no index"),
        ({"history": pd.DataFrame({"a": ["x", None]})}, r"history\['a'\] holds objects"),
        ({"params": {"f": {1, 2}}}, r"\['f'\] is of type set"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_name(change, named):
    with pytest.raises(InputError, match=named):
        replace(example_result(), **change)
