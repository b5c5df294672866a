"""The text of a benchmark."""

import pandas as pd

from scclamp.cli._benchmark_summary import to_text


def rows(seed, clamp, additive):
    shared = {
        "split": "additive",
        "seed": seed,
        "subgroup": "combo_seen2",
        "n_targets": 6,
        "strongest_null": "additive",
    }
    shared["skill_high"] = float("nan")
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


def test_the_network_is_compared_in_words():
    for intervals, words in (
        ([(0.1, 0.5)], "is better than the strongest null (additive)."),
        ([(-0.5, -0.1)], "is worse than the strongest null (additive)."),
        ([(0.1, 0.5), (-0.1, 0.5)], "cannot be told from the strongest null (additive)."),
        ([(float("nan"),) * 2], "cannot be told from the strongest null (additive) (too few targets for an interval)."),
    ):
        parts = [
            pd.DataFrame(rows(i, 1.0, 2.0)).assign(skill_low=low, skill_high=high)
            for i, (low, high) in enumerate(intervals)
        ]
        assert f"  The network {words}" in to_text(pd.concat(parts), ["additive"], combined=True).splitlines()
    without = parts[0][parts[0]["predictor"] != "clamp"]
    assert "The network" not in to_text(without, ["additive"], combined=True)
