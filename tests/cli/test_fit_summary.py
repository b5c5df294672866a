"""A fit in numbers and in words."""

import dataclasses

import numpy as np
import pytest

import scclamp as sc_c
from scclamp._storage import decode
from scclamp.cli._fit_summary import summarise, to_text


@pytest.fixture
def record(fitted):
    return summarise(decode(fitted), sc_c.get.top_targets(fitted, n=3))


def test_numbers_are_those_of_the_fit(record, fitted):
    found = fitted.uns["clamp"]["diagnostics"]
    assert record["regulators"] == [f"REG0{i}" for i in range(1, 9)]
    assert (record["n_singles"], record["n_combinations"], record["n_members"]) == (8, 6, 1)
    assert record["n_epochs"] == 4
    assert record["spectral_radius"] == pytest.approx(found["spectral_radius"].max())
    assert (record["unsettled"], record["n_settled"]) == ([], 9)
    rows = list(fitted.var_names)
    for regulator, targets in record["top_targets"].items():
        weights = fitted.varm["clamp_A"][:, record["regulators"].index(regulator)]
        others = np.abs(np.delete(weights, rows.index(regulator)))
        assert sorted(map(abs, targets.values())) == pytest.approx(np.sort(others)[-3:])
        assert all(weight == pytest.approx(weights[rows.index(gene)]) for gene, weight in targets.items())


def test_what_did_not_settle_is_counted_and_named(fitted):
    result = decode(fitted)
    status = np.zeros((1, 9), int)
    status[0, 4] = 3
    changed = dataclasses.replace(result, diagnostics={**result.diagnostics, "status": status})
    record = summarise(changed, sc_c.get.top_targets(fitted, n=1))
    assert record["unsettled"] == [str(result.diagnostics["condition"][4])]
    assert "8 of 9 conditions settle" in to_text(record)


def test_text_of_one_network(record):
    text = to_text(record)
    assert text.startswith("Network of 8 regulators on 60 genes\n")
    assert "fitted to 8 perturbations of one gene; 6 combinations left for the verdict" in text
    assert "all 9 conditions settle" in text
    assert "weaker" not in text


def test_text_of_an_ensemble(record):
    changes = {"n_members": 3, "kept_epoch": [0, 4, 7], "validation_loss": [0.5, 0.25, 1.0], "not_measured": ["REG08"]}
    text = to_text({**record, **changes, "n_combinations": 1})
    assert "8 regulators (1 of them not measured) on 60 genes, 3 members" in text
    assert "epochs 0 to 7 kept (0 is the start), loss 0.5, 0.25, 1" in text
    assert "1 combination left" in text
    assert "Strongest responses to perturbing genes that were not measured" in text
    assert "not measured" not in to_text(record)


def test_of_many_regulators_the_strongest_are_shown(record):
    many = {f"R{i:02}": {"X": float(i), "Y": -0.5} for i in range(20)}
    lines = to_text({**record, "top_targets": many}).splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  R")] == [f"R{i:02}" for i in range(8, 20)]
    assert lines[-1] == "  and 8 regulators with weaker ones (--edges writes all)"


def test_regulators_that_were_not_measured_do_not_activate_or_repress(record):
    targets = {"IFNGR1": {"JAK2": -0.74}, "IFNGR2": {"JAK2": 0.61}}
    measured, _, latent = to_text({**record, "not_measured": ["IFNGR1"], "top_targets": targets}).partition(
        "Strongest responses to perturbing genes that were not measured (+ raises, - lowers the target)"
    )
    assert "(+ activates, - represses)\n  IFNGR2  JAK2 +0.61" in measured
    assert latent.splitlines()[-1] == "  IFNGR1  JAK2 -0.74"
    assert "IFNGR1" not in measured
    assert "represses" not in latent
    alone = to_text({**record, "not_measured": ["IFNGR1"], "top_targets": {"IFNGR1": {"JAK2": -0.74}}})
    assert "represses" not in alone


def test_combinations_that_cannot_be_judged_are_counted_with_the_reason(record):
    assert (record["n_judged"], record["only_combined"]) == (6, [])
    assert "never perturbed alone" not in to_text(record)
    text = to_text({**record, "n_combinations": 64, "n_judged": 62, "only_combined": ["LYL1"]})
    assert "  2 of them cannot be judged: 'LYL1' was never perturbed alone\n" in text
