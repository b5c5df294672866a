import anndata as ad
import numpy as np
import pandas as pd
import pytest
import torch

import scclamp as sc_c
from scclamp._errors import InputError, InputWarning
from scclamp.conditions import Conditions
from scclamp.encoders import Identity, as_encoder, check, quick_check

FOUR = ["gradient flow", "sensitivity", "discriminability", "repeatability", "one by one"]


@pytest.fixture(scope="module")
def cells():
    return sc_c.datasets.simulated("tiny")


@pytest.fixture(scope="module")
def means(cells):
    return Conditions.from_anndata(cells, train_fraction=1.0).train_mean


def _failed(report):
    return list(report.table["check"][[passed is False for passed in report.table["passed"]]])


def test_the_identity_passes_and_equals_gene_space(cells, untouched_rng):
    before = cells.X.copy()
    with untouched_rng():
        report = check(Identity(), cells, rng=0)
    assert (before != cells.X).nnz == 0
    assert report.passed
    table = report.table.set_index("check")
    assert list(table.index) == [*FOUR, "affine"]
    for name in ("sensitivity", "discriminability"):
        assert table.loc[name, "figure"] == table.loc[name, "gene_space"]
    assert str(check(Identity(), cells, rng=0)) == str(report)


def test_figures_from_the_cells_themselves(cells):
    report = check(as_encoder(torch.tanh), cells, n_cells=10**6, rng=0).table.set_index("check")
    labels, X = cells.obs["perturbation"].astype(str).to_numpy(), np.tanh(cells.X.toarray().astype(float))
    names = sorted(set(labels) - {"control"})
    control = X[labels == "control"]
    # What the noise of two means adds to the square of their distance is known from the spread of the cells.
    noise = {name: X[labels == name].var(0, ddof=1).sum() / (labels == name).sum() for name in ("control", *names)}
    squares = [((X[labels == n].mean(0) - control.mean(0)) ** 2).sum() - noise[n] - noise["control"] for n in names]
    shift = np.median(np.sqrt(np.maximum(squares, 0)))
    distance = np.median(np.linalg.norm(control[::2] - control[1::2], axis=1))
    assert report.loc["sensitivity", "figure"] == pytest.approx(shift / distance, rel=0.1)
    assert f"among {len(names)} perturbations" in report.loc["discriminability", "meaning"]


@pytest.mark.parametrize(
    ("function", "failed"),
    [
        (lambda x: x[:, :9], ["gradient flow"]),
        (lambda x: torch.relu(x - 1e3), FOUR[:3]),
        (lambda x: x.square().sum(-1, keepdim=True), ["discriminability"]),
        (lambda x: x - x.mean(0), ["one by one"]),
    ],
    ids=["few genes", "blind", "one number", "batch statistics"],
)
def test_faults_are_found(cells, function, failed):
    assert set(failed) <= set(_failed(check(as_encoder(function), cells, rng=0)))


def test_dropout_is_found(cells):
    with torch.random.fork_rng():
        report = check(torch.nn.Sequential(torch.nn.Linear(60, 20), torch.nn.Dropout(0.5)), cells, rng=0)
    assert "repeatability" in _failed(report)


def test_one_row_for_each_condition(cells, means):
    conditions = Conditions.from_anndata(cells, train_fraction=1.0)
    bulk = ad.AnnData(
        means, obs=pd.DataFrame({"perturbation": conditions.names}, index=conditions.names), var=cells.var
    )
    table = check(Identity(), bulk).table.set_index("check")
    shifts = means[1:] - means[0]
    lengths = np.linalg.norm(shifts, axis=1)
    cosines = (shifts @ shifts.T) / np.outer(lengths, lengths)
    np.fill_diagonal(cosines, -1)
    assert table.loc["discriminability", "figure"] == pytest.approx(cosines.max())
    assert table.loc["sensitivity", "figure"] == pytest.approx(np.median(lengths) / np.linalg.norm(means[0]))
    assert _failed(check(as_encoder(lambda x: x.sum(-1, keepdim=True)), bulk)) == ["discriminability"]


def test_a_reference_is_one_more_check(cells):
    states = np.ones((3, 60))
    assert check(Identity(), cells, reference=(states, states), rng=0).table["check"].iloc[-1] == "reference"
    assert _failed(check(Identity(), cells, reference=(states, 2 * states), rng=0)) == ["reference"]


@pytest.mark.parametrize("reference", [3, (np.ones(3), np.ones(3)), (np.ones((2, 3)), np.ones((3, 3))), ("a", "b")])
def test_a_reference_of_another_form_is_refused(cells, reference):
    with pytest.raises(InputError, match="reference"):
        check(Identity(), cells, reference=reference)


def test_a_quick_check_of_means(means):
    assert quick_check(Identity(), means).passed
    assert _failed(quick_check(as_encoder(lambda x: torch.relu(x - 1e3)), means)) == ["gradient flow", "sensitivity"]
    assert quick_check(Identity(), means[:1]).passed


def test_counts_are_refused_as_by_a_fit(cells):
    with pytest.raises(InputError, match=r"layer='counts' holds whole numbers.*X"):
        check(Identity(), cells, layer="counts")


def test_what_is_no_number_fails_by_that_name(cells):
    report = check(as_encoder(lambda x: torch.log(x - 1)), cells, rng=0)
    assert {"finite"} <= set(_failed(report))
    assert "NaN or infinite" in str(report)
    assert "repeatability" not in set(report.table["check"])


@pytest.mark.parametrize(
    ("dtype", "verdict"), [(torch.float64, None), (torch.bfloat16, False), (torch.float32, "none")]
)
def test_a_precision_that_a_fit_refuses_is_told(cells, dtype, verdict):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = torch.nn.Linear(60, 30).to(dtype)
    table = check(module, cells, rng=0).table.set_index("check")
    if verdict == "none":
        assert "precision" not in table.index
        return
    assert table.loc["precision", "passed"] is verdict
    assert "tl.fit refuses it as it is" in table.loc["precision", "meaning"]
    assert "precision" not in set(check(as_encoder(module, dtype=dtype), cells, rng=0).table["check"])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_who_says_to_be_affine_is_asked(cells, dtype):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layer = torch.nn.Linear(cells.n_vars, 7, dtype=dtype)
    curved = torch.nn.Sequential(layer, torch.nn.Tanh())
    report = check(as_encoder(layer, affine=True), cells, rng=0)
    assert report.passed
    assert "affine" in set(report.table["check"])
    assert "affine" not in set(check(as_encoder(curved), cells, rng=0).table["check"])
    assert _failed(check(as_encoder(curved, affine=True), cells, rng=0)) == ["affine"]
    with pytest.warns(InputWarning, match=r"fails 1 checks: affine \(0\.\d+\): .*affine=True is not true"):
        sc_c.tl.transmission(cells.copy(), as_encoder(curved, affine=True), basis="gamma", n_cells=4, n_bootstrap=9)
