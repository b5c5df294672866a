import numpy as np
import pytest

import scclamp.predictors as room
from scclamp._errors import InputError
from scclamp.predictors import REGISTRY, Baseline, create


def test_every_class_of_the_room_is_registered_under_its_name():
    named = {each.name: each for each in vars(room).values() if isinstance(each, type) and hasattr(each, "name")}
    assert REGISTRY == named
    assert all(type(create(name)) is each for name, each in REGISTRY.items())


def test_each_call_makes_a_new_one():
    assert create("additive") is not create("additive")


def test_unknown_names_get_near_matches():
    with pytest.raises(InputError, match=r"name=.linear_pc. is no predictor\. Did you mean .linear_pca."):
        create("linear_pc")


def test_a_new_model_is_one_class(singles, means):
    class Strongest(Baseline):
        name = "strongest"

        def _shift(self, targets):
            training = self._trained()
            return np.stack(
                [training.shifts[(row * training.norms()).argmax()] for row in training.membership(targets)]
            )

    predictor = Strongest().fit(singles)
    norms = {g: np.linalg.norm(np.delete(means[g] - means["control"], "ABCD".index(g))) for g in "ABCD"}
    expected = means[max("AD", key=norms.get)]
    np.testing.assert_allclose(predictor.predict([("A", "D")])[0], expected)
    assert predictor.lacks(("A", "X")) == ("X",)
