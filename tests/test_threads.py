"""Torch keeps the threads that a user chose, whatever numba does."""

import os
import subprocess
import sys

import pytest
import torch

from scclamp._threads import kept_threads

_RECIPE = """
import warnings
warnings.simplefilter("ignore")
import numba, torch
import scclamp as sc_c
torch.set_num_threads(3)
adata = sc_c.datasets.simulated("tiny")
adata.X = adata.layers["counts"]
sc_c.pp.recipe(adata, n_top_genes=20, library_size_key="n_counts")
print(numba.threading_layer(), torch.get_num_threads())
"""


@pytest.fixture
def one_more():
    """More threads than there were, for the length of the test."""
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    yield before + 1
    torch.set_num_threads(before)


def test_what_changes_in_the_block_does_not_stay(one_more):
    with kept_threads():
        torch.set_num_threads(one_more + 1)
    assert torch.get_num_threads() == one_more


def test_an_error_in_the_block_keeps_them_too(one_more):
    with pytest.raises(KeyError), kept_threads():
        torch.set_num_threads(one_more + 1)
        raise KeyError
    assert torch.get_num_threads() == one_more


def test_the_recipe_keeps_them():
    """Without the guard numba's first parallel function, here under scanpy, gives torch its own number."""
    pytest.importorskip("scanpy")
    environment = os.environ | {"NUMBA_NUM_THREADS": "2", "NUMBA_THREADING_LAYER": "omp"}
    done = subprocess.run([sys.executable, "-c", _RECIPE], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["omp", "3"]
