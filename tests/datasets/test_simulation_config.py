"""The settings of a simulation: presets, overrides, JSON."""

from __future__ import annotations

import json

import pytest

from scclamp._errors import InputError
from scclamp.datasets._simulation_config import DOSES, PRESETS, SimulationConfig, configure


def test_presets_have_the_announced_sizes():
    sizes = {name: (p.n_genes, p.n_regulators, p.combinations) for name, p in PRESETS.items()}
    assert sizes == {"tiny": (60, 8, 6), "demo": (500, 24, 40), "norman_like": (2553, 102, 129)}


def test_given_settings_replace_those_of_the_preset():
    config = configure("tiny", {"n_genes": 70, "strength": None, "combinations": ["A+B"]})
    assert (config.n_genes, config.strength, config.combinations) == (70, PRESETS["tiny"].strength, ("A+B",))


def test_json_holds_every_setting():
    config = configure("demo", {"mode": "CRISPRi"})
    decoded = json.loads(config.to_json())
    assert decoded.keys() == SimulationConfig.__dataclass_fields__.keys()
    assert decoded["dose"] == DOSES["CRISPRi"]


def test_not_a_number_of_the_right_kind():
    with pytest.raises(InputError, match="strength='much'"):
        configure("demo", {"strength": "much"})
