"""The door: help, version, exit codes, warnings, pipes, and what is imported before a command is known."""

import importlib
import json
import re
import shlex
import subprocess
import sys
import tomllib
import warnings

import pytest

from scclamp._errors import InputError, InputWarning
from scclamp.cli import main
from scclamp.cli._main import COMMANDS, build_parser
from scclamp.cli._options import parse

HEAVY = {"anndata", "matplotlib", "mudata", "numpy", "pandas", "scanpy", "scipy", "torch", "zarr"}
NAMES = ("fit", "edges", "predict", "evaluate", "benchmark", "enrich", "report", "datasets")


def python(*arguments, **settings):
    return subprocess.run([sys.executable, *map(str, arguments)], text=True, timeout=120, check=False, **settings)


def replace_run(monkeypatch, run):
    """Let `scclamp evaluate` do something else."""
    monkeypatch.setattr("scclamp.cli._evaluate.run", run)


def test_help_and_lists_are_quick_because_nothing_heavy_is_imported():
    code = (
        "import json, sys; from scclamp.cli import main\n"
        "codes = [main(['--help']), main(['fit', '--help']), main(['nonsense']), main(['datasets', 'list', '--json'])]\n"
        "print(json.dumps([codes, sorted({m.partition('.')[0] for m in sys.modules})]))"
    )
    done = python("-c", code, capture_output=True)
    codes, loaded = json.loads(done.stdout.splitlines()[-1])
    assert codes == [0, 0, 2, 0]
    assert HEAVY.isdisjoint(loaded)


def test_the_package_is_a_program():
    done = python("-m", "scclamp", "--help", capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"\n    {name} " in done.stdout for name in NAMES)


def test_the_entry_point_is_main(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    module, _, name = project["scripts"]["scclamp"].partition(":")
    assert getattr(importlib.import_module(module), name) is main


def test_version(call):
    done = call("--version")
    assert (done.code, done.out.split()[0], done.err) == (0, "scclamp", "")


@pytest.mark.parametrize("name", ["", *NAMES, "datasets list", "datasets fetch", "datasets simulate"])
def test_every_help_reads_well(call, name):
    done = call(*name.split(), "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"usage: scclamp {name}".rstrip())
    assert f"\n  scclamp {name}" in done.out, "it ends with examples"
    assert max(map(len, done.out.splitlines())) <= 110


@pytest.mark.parametrize("command", COMMANDS, ids=lambda module: module.__name__)
def test_the_examples_of_the_help_can_be_read(command):
    examples = [shlex.split(line)[1:] for line in command._EXAMPLES.splitlines()]
    for each in examples:
        assert callable(build_parser().parse_args(each).run)


def test_without_a_command_the_commands_are_shown(call):
    done = call()
    assert (done.code, done.out) == (2, "")
    assert "a first try" in done.err


def test_an_unknown_command(call):
    done = call("fitt", "x.h5ad")
    assert (done.code, "invalid choice: 'fitt'" in done.err, "Traceback" in done.err) == (2, True, False)


def fail(_):
    raise InputError("key='other' is no fit of adata.")


def test_errors_of_ours_are_advice_and_debug_shows_where(call, monkeypatch):
    replace_run(monkeypatch, fail)
    done = call("evaluate", "x.h5ad")
    assert done == (1, "", "scclamp evaluate: error: 'other' is no fit of the file.\n")
    done = call("evaluate", "x.h5ad", "--debug")
    assert done.code == 1
    assert "Traceback" in done.err
    assert done.err.endswith("'other' is no fit of the file.\n")


def test_errors_that_are_not_ours_are_not_hidden(call, monkeypatch):
    def break_down(_):
        raise ZeroDivisionError

    replace_run(monkeypatch, break_down)
    with pytest.raises(ZeroDivisionError):
        call("evaluate", "x.h5ad")


def test_a_missing_extra_is_advice(call, monkeypatch):
    def need(_):
        raise ImportError("Install scclamp[scanpy].")

    replace_run(monkeypatch, need)
    assert call("evaluate", "x.h5ad") == (1, "", "scclamp evaluate: error: Install scclamp[scanpy].\n")


def warn(options):
    for _ in range(2):
        warnings.warn("n_bootstrap=5 is few.", InputWarning, stacklevel=2)
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.warn("for developers", UserWarning, stacklevel=2)
    assert options.heard[0] == "--bootstrap 5 is few."


def test_warnings_of_ours_are_lines_said_once(call, monkeypatch):
    replace_run(monkeypatch, warn)
    before = warnings.showwarning, list(warnings.filters)
    assert call("evaluate", "x.h5ad") == (0, "", "warning: --bootstrap 5 is few.\n")
    assert (warnings.showwarning, list(warnings.filters)) == before
    assert "warning (UserWarning): for developers\n" in call("evaluate", "x.h5ad", "--debug").err


def test_settings_last_as_long_as_the_command(call, monkeypatch):
    from scclamp._settings import settings

    seen = []
    replace_run(monkeypatch, lambda _: seen.append((settings.progress, settings.max_memory, settings.verbosity)))
    before = settings.progress, settings.max_memory, settings.verbosity
    call("evaluate", "x.h5ad", "--no-progress", "--max-memory", "0.5", "--verbose")
    call("evaluate", "x.h5ad")
    assert seen == [("off", 0.5, "info"), ("auto", before[1], before[2])]
    assert (settings.progress, settings.max_memory, settings.verbosity) == before
    done = call("evaluate", "x.h5ad", "--max-memory", "0")
    assert (done.code, "--max-memory 0.0 is not a positive number" in done.err) == (1, True)


def test_who_reads_only_the_beginning_gets_no_error():
    with subprocess.Popen(
        [sys.executable, "-m", "scclamp", "fit", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (0, "")


def test_the_commands_of_the_documentation_can_be_read(root):
    text = (root / "docs" / "command_line.md").read_text()
    commands = [line.removeprefix("$ scclamp ") for line in text.splitlines() if line.startswith("$ scclamp ")]
    assert {shlex.split(each)[0] for each in commands} == set(NAMES)
    for each in commands:
        assert callable(parse(build_parser(), shlex.split(each)).run)
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
    known = {name for module in NAMES for name in options_of(module)}
    assert options <= known


def options_of(name):
    output = ["-o", "y"] * (name in ("fit", "report"))
    read = build_parser().parse_args([name, *["x"] * (name != "datasets"), *output])
    parsers = [read.parser, build_parser().parse_args(["datasets", "fetch", "norman_2019", "-o", "x"]).parser]
    return {option for parser in parsers for action in parser._actions for option in action.option_strings}


def test_an_interrupted_command_says_what_is_kept(call, monkeypatch, screen_file, tmp_path):
    def stop(*_, **__):
        raise KeyboardInterrupt

    command = ("fit", screen_file, "-o", tmp_path / "out.h5ad", "--epochs", 4, "--checkpoint", tmp_path / "run")
    done = call(*command)
    assert done.code == 0
    assert "Resumed" not in done.out
    assert "Resumed at epoch 4 from" in call(*command, "--force").out
    monkeypatch.setattr("scclamp.tl.fit", stop)
    done = call(*command, "--force")
    assert (done.code, "kept in" in done.err, "the same command goes on" in done.err) == (130, True, True)
    done = call(*command[:-2], "--force", "--checkpoint", tmp_path / "empty")
    assert (done.code, done.err) == (130, "scclamp: interrupted\n")
