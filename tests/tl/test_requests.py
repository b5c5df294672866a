import itertools
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scclamp._errors import InputError, InputWarning
from scclamp._storage import decode
from scclamp.tl._requests import read_requests, write_dose

fits = runpy.run_path(str(Path(__file__).parents[1] / "_stored_fits.py"))
RESULT = decode(fits["simulated_fit"]())
REGULATORS = RESULT.regulators


def read(clamps, result=RESULT):
    return read_requests(clamps, result, 50.0)


def held(requests):
    """Each request as a dict from regulator to dose."""
    return [
        {REGULATORS[j]: dose for j, dose in zip(columns, doses, strict=True) if j >= 0}
        for columns, doses in zip(requests.columns.tolist(), requests.doses.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    "clamps",
    [
        ["REG01", "REG03+REG02", "control"],
        ["REG01+ctrl", " REG02 + REG03 ", "NT"],
        [("REG01",), ["REG02", "REG03"], ("control",)],
        [{"REG01"}, frozenset({"REG02", "REG03"}), "ctrl+control"],
        pd.Series(["REG01+control", "REG02_REG03", "non-targeting"]),
        np.array(["REG01", "REG02+REG03", "control"]),
        pytest.param(iter(["REG01", ("REG03", "REG02"), "control"]), id="iterator"),
    ],
    ids=range(7),
)
def test_every_way_to_write_a_request(clamps):
    requests = read(clamps)
    assert requests.names == ["REG01", "REG02+REG03", "control"]
    assert requests.targets(REGULATORS) == requests.names
    assert [list(request) for request in held(requests)] == [["REG01"], ["REG02", "REG03"], []]
    assert np.isnan(requests.doses).all()


def test_rows_of_an_array_are_gene_sets():
    assert read(np.array([["REG01", "REG02"], ["REG04", "REG03"]])).names == ["REG01+REG02", "REG03+REG04"]


def test_doses_are_kept_exactly_and_named():
    requests = read([{"REG02": 0, "REG01": np.float64(0.1) * 3}, "REG01", {"REG03": -0.0}])
    assert requests.names == ["REG01=0.3+REG02=0", "REG01", "REG03=0"]
    assert held(requests)[0] == {"REG01": 0.1 * 3, "REG02": 0.0}
    assert requests.targets(REGULATORS) == ["REG01+REG02", "REG01", "REG03"]


def test_one_request_needs_no_list():
    assert read("REG02+REG01").names == ["REG01+REG02"]
    assert read({"REG02": 2.5, "REG01": 1}).names == ["REG01=1+REG02=2.5"]


def test_names_of_ones_own():
    requests = read({"mine": "REG01+REG02", "yours": {"REG01": 2.0}, "ours": ("REG02", "REG01")})
    assert requests.names == ["mine", "yours", "ours"]
    assert requests.targets(REGULATORS) == ["REG01+REG02", "REG01", "REG01+REG02"]


@given(st.floats(0, 50))
def test_a_written_dose_reads_as_the_same_number(dose):
    assert float(write_dose(dose)) == dose


def test_all_triples_have_their_columns():
    requests = read(itertools.combinations(REGULATORS, 3))
    assert requests.columns.tolist() == [list(c) for c in itertools.combinations(range(8), 3)]
    assert requests.names == ["+".join(c) for c in itertools.combinations(REGULATORS, 3)]


def test_repeated_requests_are_left_out_and_said_to_be():
    with pytest.warns(InputWarning, match=r"2 requests repeat earlier ones and are left out: 'REG01\+REG02', 'REG03'"):
        requests = read(["REG01+REG02", "REG03", ("REG02", "REG01"), "REG03+ctrl"])
    assert requests.names == ["REG01+REG02", "REG03"]
    with pytest.warns(InputWarning, match="1 request repeats an earlier one and is left out: 'REG03'"):
        read(["REG03", "REG03"])


@given(st.dictionaries(st.sampled_from(REGULATORS), st.floats(0, 50), min_size=1))
def test_names_of_dosed_results_are_requests(doses):
    first = read([doses])
    again = read([" " + first.names[0].replace("+", " + ")])
    assert again.names == first.names
    for gene, dose in held(first)[0].items():
        assert held(again)[0][gene] == pytest.approx(dose, rel=5.1e-4, abs=1e-300)


def test_doses_in_names_are_rounded_unless_that_makes_two_equal():
    dose = np.linspace(0, 2, 4)[1]
    assert read([{"REG01": dose}, {"REG01": 2.0}]).names == ["REG01=0.6667", "REG01=2"]
    near = read([{"REG01": dose}, {"REG01": 0.6667}, {"REG02": dose}, {"REG01": 0.66671}])
    assert near.names == [f"REG01={dose}", "REG01=0.6667", "REG02=0.6667", "REG01=0.66671"]
    assert held(near)[0] == {"REG01": dose}
    assert read({"REG01=0.6667": "REG03", "b": {"REG01": dose}}).names == ["REG01=0.6667", "b"]


def test_a_name_of_ones_own_may_look_like_a_number():
    assert read({"2.1": "REG01", "REG02": "REG01+REG02"}).names == ["2.1", "REG02"]


@pytest.mark.parametrize(
    ("clamps", "message"),
    [
        (["REG01/REG02"], r"'REG01/REG02' is no gene of the fit\. A combination is joined by '\+': 'REG01\+REG02'\."),
        (["REG01 / REG02:REG03"], r"joined by '\+': 'REG01\+REG02\+REG03'\."),
        (["REG01", "REG1"], r"clamps\[1\]='REG1': 'REG1' is no gene of the fit\. Did you mean 'REG01'"),
        (["reg01+REG02"], r"'reg01' is no gene of the fit\. Did you mean 'REG01'"),
        (["REG01+GENE0002"], r"'GENE0002' is measured but has no column.*8 regulators of the fit are 'REG01'"),
        ([("REG01", "REG01")], r"clamps\[0\]=\('REG01', 'REG01'\): 'REG01' is named twice"),
        (["REG01+REG02+REG01"], "'REG01' is named twice"),
        ([{"REG01": 1.0, " REG01": 2.0}], "a gene is named twice"),
        ([{"REG01": float("nan")}], r"the dose of 'REG01' is nan.*a finite number, 0 or above"),
        ([{"REG01": float("inf")}], r"the dose of 'REG01' is inf.*not counts"),
        ([{"REG01": -0.5}], r"the dose of 'REG01' is -0\.5.*0 or above"),
        ([{"REG01": 51}], r"the network knows expression up to 50; doses are log-normalised expression, not counts"),
        ([{"REG01": "2"}], r"the text '2', which is no number\. Write \{'REG01': 2\}"),
        ({"REG01": "2.1"}, "the dose of 'REG01' is the text '2.1'"),
        ({"REG01": 2.0, "REG02": None}, "the dose of 'REG02' is missing"),
        ({"REG01": None}, "the dose of 'REG01' is missing"),
        ([{"REG01": "high"}], "is 'high', which is no number"),
        (["REG01=2+REG02"], "'REG02' has no dose, but other genes have one"),
        (["REG01=x"], "the dose of 'REG01' is 'x', which is no number"),
        (["REG01=1+REG01=2"], "'REG01' is named twice"),
        (["REG01=-1"], r"the dose of 'REG01' is -1\.0.*0 or above"),
        (["REG1=1"], "'REG1' is no gene of the fit"),
        ([{"REG01": True}], "is True, which is no number"),
        ([{"REG01": None}], "the dose of 'REG01' is missing"),
        ([{"control": 1.0}], "'control' is no gene"),
        ([{}], "names no gene"),
        ([()], "names no gene. Write 'control'"),
        ([""], "the label is empty"),
        (["REG01++REG02"], "a part is empty"),
        ([("REG01", 3)], "3 is not the name of a gene"),
        ([3], r"clamps\[0\]=3: this is no request"),
        ([b"REG01"], "this is no request"),
        ([None], "this is no request"),
        ([], "requests nothing"),
        ({}, "requests nothing"),
        pytest.param(iter(()), "requests nothing", id="empty-iterator"),
        (3, "clamps is of type int"),
        (b"REG01", "clamps is of type bytes"),
        (pd.DataFrame({"a": ["REG01"]}), "clamps is of type DataFrame"),
        ({1: "REG01"}, "clamps has the name 1"),
        ({"mine": "REG01+FOO"}, r"clamps\['mine'\]='REG01\+FOO': 'FOO' is no gene"),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_named(clamps, message):
    with pytest.raises(InputError, match=message):
        read(clamps)


def test_latent_doses_run_from_zero_to_one():
    adata = fits["simulated_fit"]()
    truth = adata.uns["truth"]
    rows = adata.var_names.get_indexer(pd.Index(REGULATORS))
    rows[0] = -1
    config = fits["FitConfig"](kinetics="hill")
    arrays = fits["store_truth"](adata)
    fits["store"](
        adata, arrays, REGULATORS, rows, dict(zip(REGULATORS, truth["clamp_values"], strict=True)), config, {}
    )
    result = decode(adata)
    assert held(read([{"REG01": 0.25}, {"REG01": 1}], result))[0] == {"REG01": 0.25}
    with pytest.raises(InputError, match=r"dose of 'REG01' is 1\.5, but it is not measured, and its dose runs from 0"):
        read([{"REG01": 1.5}], result)


def test_the_labels_of_control_that_the_fit_was_told_are_control():
    adata = fits["simulated_fit"](params={"control": "DMSO"})
    assert read(["DMSO", "REG01+DMSO"], decode(adata)).names == ["control", "REG01"]


@pytest.mark.parametrize(
    ("unmeasured", "why"),
    [
        ("drop", r"the fit left its conditions out \(unmeasured='drop'\).*Fit with unmeasured='latent'"),
        ("latent", "no training condition perturbed it alone: what it does is not known. Leave out what asks for it."),
    ],
)
def test_a_gene_that_was_perturbed_and_not_measured_is_no_unknown_gene(unmeasured, why):
    params = {**RESULT.params, "unmeasured": unmeasured, "left_out": ["MED12", "REG1"]}
    result = replace(RESULT, params=params)
    with pytest.raises(
        InputError, match=f"'MED12' was perturbed in the screen, but the panel does not measure it, and {why}"
    ):
        read(["REG01+MED12"], result)
    with pytest.raises(InputError, match="'MED13' is no gene of the fit"):
        read(["MED13"], result)
    older = replace(RESULT, params={name: value for name, value in params.items() if name != "left_out"})
    with pytest.raises(InputError, match="'MED12' is no gene of the fit"):
        read(["MED12"], older)
