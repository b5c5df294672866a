"""The list of screens is that of `scclamp.datasets`, though it is made without importing it."""

import inspect
from typing import get_args, get_type_hints

import scclamp as sc_c
from scclamp.cli._published import PRESETS, SCREENS
from scclamp.datasets._registry import REGISTRY


def test_every_published_screen_is_named():
    functions = {name: getattr(sc_c.datasets, name) for name in sc_c.datasets.__all__}
    screens = {
        name: f
        for name, f in functions.items()
        if inspect.isfunction(f) and "source" in inspect.signature(f).parameters
    }
    assert list(SCREENS) == sorted(screens)
    assert {name: inspect.getdoc(f).partition("\n")[0] for name, f in screens.items()} == {
        name: screen.about for name, screen in SCREENS.items()
    }
    assert get_args(get_type_hints(sc_c.datasets.simulated)["preset"]) == PRESETS


def test_sources_are_those_that_can_be_downloaded():
    found = {name: {} for name in SCREENS}
    for key, file in REGISTRY.items():
        screen, _, source = key.partition("/")
        if screen in found:
            found[screen][source] = file.size
    assert found == {name: screen.sources for name, screen in SCREENS.items()}
