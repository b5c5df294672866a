import difflib

import pytest

from scclamp import _errors
from scclamp._errors import InputError, NonFiniteError, ScclampError, StorageError, did_you_mean, list_some


@pytest.mark.parametrize(
    ("error", "builtin"), [(InputError, ValueError), (NonFiniteError, ArithmeticError), (StorageError, OSError)]
)
def test_errors_are_caught_as_ours_and_as_what_python_calls_them(error, builtin):
    for caught in (ScclampError, builtin):
        with pytest.raises(caught, match="advice"):
            raise error("advice")


def test_every_error_and_warning_is_documented_and_has_one_base():
    found = [o for o in vars(_errors).values() if isinstance(o, type) and o.__module__ == _errors.__name__]
    assert all(o.__doc__ for o in found)
    assert all(issubclass(o, ScclampError) != issubclass(o, UserWarning) for o in found)


def test_near_names_ignore_case_and_are_given_as_they_are_written():
    assert did_you_mean("gata1", ["GATA1", "KLF1"]) == " Did you mean 'GATA1'?"
    assert did_you_mean("cebp", ["CEBPA", "CEBPE", "SPI1"]).split("'")[1::2] == difflib.get_close_matches(
        "CEBP", ["CEBPA", "CEBPE", "SPI1"], cutoff=0.75
    )
    assert did_you_mean("cebp", ["CEBPA", "CEBPE"], n=1).count("'") == 2
    assert did_you_mean("xyz", ["GATA1"]) == did_you_mean("xyz", []) == ""


def test_long_lists_are_counted():
    assert list_some("AB") == "'A', 'B'"
    assert list_some(range(5)) == "0, 1, 2, 3, 4"
    assert list_some((i for i in range(7)), n=2) == "0, 1 and 5 more"
    assert list_some([]) == ""
