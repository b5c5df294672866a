"""The words above a picture of a verdict: the numbers are those of the table, and lines fit."""

import pandas as pd
import pytest

from scclamp.metrics._bootstrap_ci import FEWEST
from scclamp.pl._verdict_headline import Row, headline, number, table_of

PARAMS = {"strongest": "additive_scaled", "strongest_without_network": "additive"}
SUFFIXES = ("", "_without_network")


def scores(over_all, without, n=20):
    rows = [
        ("network", f"skill{suffix}", *row, n)
        for suffix, row in zip(SUFFIXES, (over_all, without), strict=True)
        if row is not None
    ]
    rows.append(("additive", "skill", 0.0, 0.0, 0.0, n))
    return pd.DataFrame(rows, columns=["prediction", "metric", "value", "low", "high", "n"])


def words(*rows, group="all", width=70, **other):
    return headline(scores(*rows, **other), PARAMS, group, width)


def flat(text):
    return " ".join(text.split())


def test_a_table_is_of_one_metric():
    found = table_of(scores((0.1, 0.0, 0.2), (0.3, 0.2, 0.4)), "skill_without_network")
    assert found == {"network": Row(0.3, 0.2, 0.4)}


def test_both_nulls_are_named_with_their_numbers_where_they_differ():
    text = flat(words((-0.1234, -0.2, -0.05), (0.25, 0.125, 0.5)))
    assert "skill −0.123 [−0.200, −0.050]." in text
    assert "skill 0.250 [0.125, 0.500]." in text
    assert "(additive scaled)" in text
    assert "(additive)" in text
    assert "20 combinations, with 95 % intervals." in text


def test_one_sentence_will_do_where_the_nulls_are_one():
    same = PARAMS | {"strongest": "additive"}
    text = flat(headline(scores((0.25, 0.1, 0.5), (0.25, 0.1, 0.5)), same, "all", 70))
    assert text.count("skill 0.250 [0.100, 0.500].") == 1
    assert "null of all, which needs no network (additive)" in text


def test_a_group_may_have_other_nulls_so_that_none_is_named():
    text = flat(words((-0.1, -0.2, -0.05), (0.25, 0.1, 0.5), group="synergy"))
    sentences = [sentence for sentence in text.split(". ") if "skill" in sentence]
    assert sentences
    assert not any("(" in sentence for sentence in sentences)
    assert "20 combinations of the group synergy" in text


@pytest.mark.parametrize(("n", "said"), [(FEWEST - 1, "too few for intervals"), (FEWEST, "with 95 % intervals")])
def test_few_combinations_have_no_intervals(n, said):
    nan = float("nan")
    text = flat(words((0.1, nan, nan), (0.1, nan, nan), n=n))
    assert f"{n} combinations, {said}" in text
    assert "skill 0.100." in text


@pytest.mark.parametrize("width", [45, 60, 100])
def test_lines_fit_and_break_no_number(width):
    text = words((-0.1234, -0.2, -0.05), (0.25, 0.125, 0.5), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert any("skill −0.123 [−0.200, −0.050]." in line for line in text.splitlines())
    assert "\N{NO-BREAK SPACE}" not in text


def test_a_minus_is_no_hyphen():
    assert number(-1.005, 1) == "−1.0"
