import pytest

from scclamp._errors import InputError
from scclamp.predictors import REGISTRY, Predictor, create, read_targets


@pytest.mark.parametrize("name", REGISTRY)
def test_every_predictor_has_the_face(name):
    assert isinstance(create(name), Predictor)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ("A+B", "targets[0]='A+B' is no tuple of genes"),
        ([("A",), ["A", "B"]], "targets[1]=['A', 'B'] is no tuple of genes"),
        ([("A", 1)], "is no tuple of genes"),
        ([("A", "B", "A")], "targets[0]=('A', 'B', 'A') names a gene twice"),
    ],
)
def test_other_targets_are_refused(targets, message):
    with pytest.raises(InputError) as error:
        read_targets(targets)
    assert message in str(error.value)
