"""A screen and a fit as files, and the command line as a function."""

from __future__ import annotations

from typing import NamedTuple

import pytest

import scclamp as sc_c
from scclamp.cli import main


class Answer(NamedTuple):
    """What a command line gives back."""

    code: int
    out: str
    err: str


@pytest.fixture
def call(capsys):
    """Run a command line in this process."""

    def run(*argv) -> Answer:
        capsys.readouterr()
        code = main([str(each) for each in argv])
        return Answer(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def screen_file(tmp_path_factory):
    """A simulated screen; tests may not change it."""
    path = tmp_path_factory.mktemp("cli") / "screen.h5ad"
    sc_c.write(sc_c.datasets.simulated("tiny"), path)
    return path


@pytest.fixture(scope="session")
def fitted():
    """The fit of that screen, made in Python."""
    adata = sc_c.datasets.simulated("tiny")
    sc_c.pp.perturbations(adata, show=False)
    sc_c.tl.fit(adata, max_epochs=4, rng=3)
    return adata


@pytest.fixture(scope="session")
def fitted_file(fitted, screen_file):
    """The same as a file beside the screen; tests may not change it."""
    path = screen_file.with_name("fitted.h5ad")
    sc_c.write(fitted, path)
    return path
