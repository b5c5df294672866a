"""Names that stand in files of users: they may not change."""

from scclamp._keys import CONTROL, DEFAULT_KEY, HARMONISED, PERTURBATION, SCHEMA_VERSION, SEPARATOR, Keys

NAMES = ("A", "A_sd", "b", "regulator", "uns", "predicted", "enrichment")


def test_names_are_frozen():
    assert {name: getattr(Keys(), name) for name in NAMES} == {
        "A": "clamp_A",
        "A_sd": "clamp_A_sd",
        "b": "clamp_b",
        "regulator": "clamp_regulator",
        "uns": "clamp",
        "predicted": "clamp_predicted",
        "enrichment": "clamp_enrichment",
    }
    constants = (CONTROL, SEPARATOR, DEFAULT_KEY, PERTURBATION, HARMONISED, SCHEMA_VERSION)
    assert constants == ("control", "+", "clamp", "perturbation", "perturbations", 1)


def test_no_key_is_left_out_of_this_test():
    assert {name for name, value in vars(Keys).items() if isinstance(value, property)} == set(NAMES)


def test_another_prefix_shares_no_name():
    assert not {getattr(Keys(), n) for n in NAMES} & {getattr(Keys("other"), n) for n in NAMES}
