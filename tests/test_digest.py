import hashlib
import json
import math
import struct

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scclamp._digest import digest_names, digest_value, dump_json, load_json
from scclamp._errors import InputError

pytestmark = pytest.mark.filterwarnings(r"ignore:.*(infer_string|chained_assignment)")

_KEYS = st.text(max_size=5).filter(lambda key: key != "$float")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=15,
)


def _bits(value):
    """Replace floats by their 64 bits, so that 0.0 and -0.0, or 1 and 1.0, differ."""
    if isinstance(value, float):
        return ("float", struct.pack("<d", value))
    if isinstance(value, dict):
        return [(key, _bits(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [_bits(item) for item in value]
    return (type(value), value)


@given(_JSON)
@settings(max_examples=200, deadline=None)
def test_json_round_trip_keeps_every_bit_and_the_order_of_keys(value):
    text = dump_json(value)
    assert _bits(load_json(text)) == _bits(value)
    assert dump_json(load_json(text)) == text


def test_non_finite_floats_are_valid_json_and_come_back():
    text = dump_json([math.nan, math.inf, -math.inf, np.float64("nan")])
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    nan, plus, minus, also_nan = load_json(text)
    assert math.isnan(nan)
    assert math.isnan(also_nan)
    assert (plus, minus) == (math.inf, -math.inf)


def test_numpy_scalars_and_random_states():
    state = np.random.default_rng(5).bit_generator.state
    assert load_json(dump_json(state)) == state
    assert load_json(dump_json({"a": np.int32(3), "b": np.bool_(True), "c": (1, 2)})) == {
        "a": 3,
        "b": True,
        "c": [1, 2],
    }


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"a": [0, {1: 2}]}, r"\['a'\]\[1\] has the key 1"),
        ({"$float": 1}, r"\$float"),
        ({"w": np.zeros(2)}, r"\['w'\] is of type ndarray"),
        ({"s": {1, 2}}, r"\['s'\] is of type set"),
        (b"x", "value is of type bytes"),
    ],
)
def test_what_json_cannot_hold_is_named(value, named):
    with pytest.raises(InputError, match=named):
        dump_json(value)


def test_names_digest_is_of_names_and_order():
    assert digest_names(["A", "B"]) == hashlib.sha256(b'["A", "B"]').hexdigest()
    assert len({digest_names(names) for names in (["A", "B"], ["B", "A"], ["AB"], ["A", "B", ""], ["A, B"])}) == 5


def test_array_digest_matches_hashlib_and_ignores_only_layout():
    array = np.arange(6.0).reshape(2, 3)
    expected = hashlib.sha256(b'["<f8", [2, 3]]' + array.astype("<f8").tobytes()).hexdigest()
    assert digest_value(array) == expected
    assert digest_value(np.asfortranarray(array)) == expected
    assert digest_value(array.astype(">f8")) == expected


def test_digests_differ_for_every_change_that_matters():
    table = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    values = [
        np.zeros(2),
        np.zeros(2, dtype=np.float32),
        np.zeros((2, 1)),
        np.zeros((1, 2)),
        -np.zeros(2),
        np.zeros(0),
        np.array(["a", "b"]),
        np.array([["a", "b"]]),
        np.array(["ab", ""]),
        0,
        0.0,
        -0.0,
        False,
        "0",
        table,
        table[["b", "a"]],
        table.rename(columns={"a": "c"}),
        table.astype({"a": float}),
    ]
    assert len({digest_value(value) for value in values}) == len(values)
