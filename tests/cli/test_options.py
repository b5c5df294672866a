"""How a command line is read."""

import argparse

import pytest

from scclamp._errors import InputError
from scclamp.cli._main import build_parser
from scclamp.cli._options import parse, positive, read_settings, seed


def test_conditions_stand_before_and_after_options():
    read = parse(build_parser(), ["predict", "f.h5ad", "-o", "x.csv", "A+B", "--pairs", "C"])
    assert (read.fitted, read.output, read.pairs, read.conditions) == ("f.h5ad", "x.csv", True, ["A+B", "C"])


@pytest.mark.parametrize("argv", [["fit", "s", "-o", "x", "--forc"], ["predict", "f", "A", "--pair"]])
def test_options_are_not_abbreviated(argv, capsys):
    with pytest.raises(SystemExit) as end:
        parse(build_parser(), argv)
    assert end.value.code == 2
    assert f"{argv[-1]} is no option. Did you mean '{argv[-1]}" in capsys.readouterr().err


def test_a_command_inside_another_knows_its_options():
    for argv in (["datasets", "--json", "list"], ["datasets", "list", "--json"]):
        assert parse(build_parser(), argv).json is True
    assert parse(build_parser(), ["datasets", "list"]).json is False
    assert parse(build_parser(), ["datasets", "list"]).name == "datasets list"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("0.5", 0.5),
        ("1e-3", 1e-3),
        ("true", True),
        ("null", None),
        ("[1, 2]", (1, 2)),
        ("newton", "newton"),
        ("", ""),
    ],
)
def test_values_of_settings(text, value):
    found = read_settings([f"name={text}"], ["name"])["name"]
    assert found == value
    assert type(found) is type(value)


def test_settings_that_cannot_be_read():
    with pytest.raises(InputError, match=r"--set naem=1: .naem. is no setting\. Did you mean .name.\?"):
        read_settings(["naem=1"], ["name"])
    with pytest.raises(InputError, match="Write NAME=VALUE"):
        read_settings(["name"], ["name"])


@pytest.mark.parametrize(("kind", "text", "value"), [(seed, "0", 0), (seed, "42", 42), (positive, "1", 1)])
def test_whole_numbers(kind, text, value):
    assert kind(text) == value


@pytest.mark.parametrize(("kind", "text"), [(seed, "-1"), (seed, "1.5"), (positive, "0"), (positive, "many")])
def test_what_is_no_whole_number(kind, text):
    with pytest.raises(argparse.ArgumentTypeError, match=f"'{text}' is no whole number"):
        kind(text)
