"""Problems whose solution is known, built by hand from a simulated screen."""

import numpy as np
import pytest
import torch

from scclamp import datasets
from scclamp.conditions import Conditions
from scclamp.fitting import FitProblem


def _same(x):
    return x


@pytest.fixture(scope="session")
def tiny():
    """A simulated screen; tests copy it before they write."""
    return datasets.simulated("tiny")


@pytest.fixture
def truth_problem(tiny):
    """Noise-free states of control and singles as the means to match."""
    truth = tiny.uns["truth"]
    mask = np.asarray(truth["clamp_mask"], bool)
    chosen = mask.sum(1) < 2
    mask, states = mask[chosen], np.asarray(tiny.varm["true_states"], float).T[chosen]
    rows = tiny.var_names.get_indexer(list(truth["regulators"]))
    values = np.where(mask, np.asarray(truth["clamp_values"]), 0.0)
    t = torch.as_tensor
    states = t(states)
    return FitProblem(t(rows), t(mask), t(values), states, states.clone(), states.clone(), _same)


@pytest.fixture
def cell_problem(tiny):
    """Make the problem that the cells of the screen pose, in float64."""

    def make(adata=tiny, encode=_same, **options):
        options = {"rng": 0} | options
        singles = (c := Conditions.from_anndata(adata, **options)).select(c.singles)
        t = torch.as_tensor
        train, validation = (encode(t(m)) for m in (singles.train_mean, singles.val_mean))
        return FitProblem(
            t(singles.regulator_rows),
            t(singles.clamp_mask),
            t(singles.clamp_values),
            train,
            validation,
            t(singles.train_mean),
            encode,
        )

    return make
