"""States that are asked, and what becomes of the answers."""

import numpy as np
import pandas as pd
import pytest
import torch

from scclamp._errors import InputError, NonFiniteError
from scclamp._settings import settings
from scclamp.tl._probe_methods import Question
from scclamp.tl._probe_model import Drawn, Model

DRAWN = Drawn(np.array([0.5, 1.0, 0.0]), 4.0, 10)
W = torch.tensor([[0.0, 2.0, -1.0], [0.5, 0.0, 0.0], [0.0, -3.0, 1.0]], dtype=torch.float64)
ALL = np.arange(3)


def question(reconstruct, *, baseline="mean", values=None, n_values=5, method="gradient"):
    model = Model.of(None, reconstruct, None, method, 3)
    return Question.of(model, DRAWN, baseline, values, n_values, method, 2)


def test_states_and_values():
    at_mean = question(lambda x: x)
    np.testing.assert_array_equal(at_mean.state, DRAWN.mean)
    assert at_mean.levels == [0, 1, 2, 3, 4]
    virtual = question(lambda x: x, baseline=0.25, values=[1, 3], method="virtual")
    np.testing.assert_array_equal(virtual.state, [0.25] * 3)
    assert virtual.levels == [1, 3]
    assert (at_mean.path, virtual.path) == (True, False)


@pytest.mark.parametrize("method", ["gradient", "virtual", "ensemble"])
def test_sign_is_that_of_the_weight(method):
    score, sign = question(lambda x: x @ W, method=method).answer(method, ALL, ALL)
    off = ~np.eye(3, dtype=bool)
    np.testing.assert_array_equal(sign[off], np.sign(W.numpy())[off])
    assert not sign[~off].any()
    assert (np.argsort(score[off], kind="stable") == np.argsort(W.abs().numpy()[off], kind="stable")).all()
    if method != "ensemble":
        np.testing.assert_allclose(score[off], W.abs()[off])


def test_answer_of_a_gene_to_itself_does_not_set_the_scale_of_both():
    plain, _ = question(lambda x: x @ W, method="ensemble").answer("ensemble", ALL, ALL)
    strong = W + 1e6 * torch.eye(3, dtype=torch.float64)
    found, _ = question(lambda x: x @ strong, method="ensemble").answer("ensemble", ALL, ALL)
    np.testing.assert_allclose(found, plain, atol=1e-6)
    with pytest.raises(InputError, match="one and the same gene"):
        question(lambda x: x @ W, method="ensemble").answer("ensemble", ALL[:1], ALL[:1])


def test_a_model_without_dependences_has_no_sign():
    score, sign = question(lambda x: x * 2, method="ensemble").answer("ensemble", ALL, ALL)
    assert not score.any()
    off = ~np.eye(3, dtype=bool)
    assert not sign[off].any()


def test_infinite_answers_are_an_error():
    with pytest.raises(NonFiniteError, match="method='virtual'"):
        question(lambda x: 1 / x, method="virtual").answer("virtual", ALL, ALL)


def test_a_gene_that_is_read_only_when_expressed_may_be_silenced():
    def reconstruct(x):
        return torch.where(x > 0, x @ W, torch.nan)

    score, _ = question(reconstruct, method="silencing").answer("silencing", ALL[:2], ALL[:2])
    np.testing.assert_allclose(score, [[0, 0.5 * 2], [1 * 0.5, 0]])


def test_all_genes_known_is_no_warning():
    found = question(lambda x: x).known(ALL, pd.Index(list("ABC")), "sources")
    np.testing.assert_array_equal(found, ALL)


@pytest.mark.parametrize(("method", "steps"), [("gradient", 3), ("virtual", 8)])
def test_long_questions_show_how_far_they_are(method, steps, capsys):
    with settings.override(progress="on"):
        question(lambda x: x @ W, method=method).answer(method, ALL, ALL)
    # Backward for each target, or fifteen states two at a time.
    assert f"probe: {method}: 100%" in (said := capsys.readouterr().err)
    assert f"{steps}/{steps}" in said
    with settings.override(progress="off"):
        question(lambda x: x @ W, method=method).answer(method, ALL, ALL)
    assert not capsys.readouterr().err
