import difflib
import pickle
import subprocess
import sys
import traceback
import warnings

import pytest

import scclamp as sc_c
from scclamp import _errors, errors
from scclamp._errors import InputError, NonFiniteError, ScclampError, StorageError, did_you_mean, list_some


@pytest.mark.parametrize(
    ("error", "builtin"), [(InputError, ValueError), (NonFiniteError, ArithmeticError), (StorageError, OSError)]
)
def test_errors_are_caught_as_ours_and_as_what_python_calls_them(error, builtin):
    for caught in (ScclampError, builtin):
        with pytest.raises(caught, match="advice"):
            raise error("advice")


def test_every_error_and_warning_is_documented_and_has_one_base():
    found = [o for o in vars(_errors).values() if isinstance(o, type) and issubclass(o, Exception)]
    assert sorted(o.__name__ for o in found) == errors.__all__
    assert all(o.__doc__ for o in found)
    assert all(issubclass(o, ScclampError) != issubclass(o, UserWarning) for o in found)


def test_users_reach_them_by_public_names():
    with pytest.raises(sc_c.errors.InputError) as caught:
        sc_c.tl.fit(None)
    assert traceback.format_exception_only(caught.value)[0].startswith("scclamp.errors.InputError: ")
    for name in errors.__all__:
        kind = getattr(sc_c.errors, name)
        assert kind is getattr(_errors, name)
        assert pickle.loads(pickle.dumps(kind("advice"))).args == ("advice",)


def test_a_filter_may_name_a_warning():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", category=sc_c.errors.InputWarning)
        warnings.warn("something was left out", _errors.InputWarning, stacklevel=1)
    assert heard == []
    loud = (
        "import sys, warnings, scclamp.errors as e; warnings.warn('x', e.InputWarning); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", loud], capture_output=True, text=True, check=True)
    assert "InputWarning: x" in done.stderr
    assert done.stdout == "False\n"


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
