"""The text of a benchmark."""

import pandas as pd

from scclamp.cli._benchmark_summary import to_text


def rows(seed, clamp, additive):
    shared = {"split": "additive", "seed": seed, "subgroup": "combo_seen2", "n_targets": 6, "skill_high": float("nan")}
    return [
        {**shared, "predictor": "clamp", "pearson_delta": 0.5, "mse": clamp, "skill": 1 - clamp / additive, "note": ""},
        {**shared, "predictor": "additive", "pearson_delta": 0.4, "mse": additive, "skill": 0.0, "note": ""},
        {
            **shared,
            "predictor": "mine",
            "pearson_delta": None,
            "mse": None,
            "skill": None,
            "note": "cannot predict: 'A'",
        },
    ]


def test_figures_are_means_over_seeds_and_the_smallest_error_is_first():
    table = pd.DataFrame(rows(0, 1.0, 2.0) + rows(1, 3.0, 4.0)).assign(skill_low=float("nan"))
    lines = to_text(table, ["additive"], combined=True).splitlines()
    assert lines[1] == "Split additive (combinations were held out): 6 targets, combo seen2, 2 seeds"
    assert [line.split() for line in lines[3:6]] == [
        ["clamp", "0.500", "0.375"],
        ["additive", "0.400", "0.000", "null"],
        ["mine", "-", "-", "cannot", "predict:", "'A'"],
    ]
