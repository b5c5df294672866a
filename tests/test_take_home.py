"""A verdict in words says what its intervals say, of both comparisons."""

import pytest

from scclamp._take_home import Skill, advise, compare, take_home

NULLS = {"_without_network": "additive, scaled", "": "network's singles added"}
NONE = (float("nan"),) * 2


@pytest.mark.parametrize(
    ("skill", "words"),
    [((0.01, 0.2), "is better than"), ((-0.2, -0.01), "is worse than"), ((-0.1, 0.1), "cannot be told from")],
)
def test_an_interval_in_words(skill, words):
    assert compare(Skill(*skill)) == words


@pytest.mark.parametrize(
    ("free", "best", "words"),
    [
        ((0.1, 0.2), (0.01, 0.1), "better by the network than by any sum"),
        ((0.1, 0.2), (-0.1, 0.1), "nothing here tells about interactions"),
        ((0.1, 0.2), (-0.2, -0.1), "nothing here tells about interactions"),
        ((-0.1, 0.2), (-0.2, 0.1), "as well as sums of single effects do"),
        ((-0.1, 0.2), (-0.2, -0.1), "Add up single effects"),
        ((-0.3, -0.2), (-0.4, -0.1), "Add up single effects"),
        (NONE, NONE, "too few combinations"),
    ],
)
def test_one_sentence_names_both_comparisons(free, best, words):
    skills = {"_without_network": Skill(*free), "": Skill(*best)}
    text = take_home(skills, NULLS)
    assert words in text
    assert f"{compare(skills['_without_network'])} the strongest null that needs no network (additive, scaled)" in text
    assert f"{compare(skills[''])} the strongest null of all (network's singles added)." in text


def test_one_null_is_one_comparison():
    skills = {"_without_network": Skill(-0.1, 0.1), "": Skill(-0.1, 0.1)}
    text = take_home(skills, dict.fromkeys(NULLS, "additive"))
    assert text.endswith(
        "The network cannot be told from the strongest null of all, which needs no network (additive)."
    )


@pytest.mark.parametrize("null", ["no change", "mean response, scaled"])
def test_nobody_adds_up_singles_because_they_are_no_use(null):
    skills = dict.fromkeys(NULLS, Skill(-0.3, -0.1))
    assert advise(skills, dict.fromkeys(NULLS, null)).startswith("Do not use the network")
