from __future__ import annotations

import logging
import sys
from collections.abc import Iterator

import pytest

import scclamp
from scclamp._errors import InputError
from scclamp._settings import Settings

LOGGER = logging.getLogger("scclamp")


@pytest.fixture
def settings() -> Iterator[Settings]:
    level = LOGGER.level
    made = Settings()
    yield made
    made.verbosity = None
    LOGGER.setLevel(level)


def test_verbosity_sets_the_level_of_our_logger_only(settings, capsys):
    root = logging.getLogger()
    before = root.level, list(root.handlers), logging.getLogger("anndata").level
    settings.verbosity = "debug"
    assert LOGGER.level == logging.DEBUG
    settings.verbosity = None
    assert LOGGER.level == logging.NOTSET
    assert (root.level, list(root.handlers), logging.getLogger("anndata").level) == before


def test_library_is_silent_unless_the_application_listens():
    assert any(isinstance(handler, logging.NullHandler) for handler in LOGGER.handlers)


def test_who_asks_for_messages_sees_them_once(settings, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(logging.getLogger(), "handlers", [])  # pytest's own, which are those of an application
        LOGGER.warning("before")
        settings.verbosity = "warning"
        settings.verbosity = "info"
        LOGGER.info("hello")
        LOGGER.debug("not asked for")
        patch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler()])
        LOGGER.info("to the application")
        patch.setattr(logging.getLogger(), "handlers", [])
        settings.verbosity = None
        LOGGER.error("after")
    assert capsys.readouterr().err == "scclamp: hello\nto the application\n"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("verbosity", "inf", "verbosity='inf' is not known. Did you mean 'info'?"),
        ("progress", True, "progress=True is not known. Use one of 'auto', 'on', 'off'."),
        ("device", "gpu", "device='gpu' is not known. Use one of 'cpu', 'cuda', 'mps'."),
        ("device", "cuda:first", "'cuda:first' has no whole number after the colon"),
        ("device", "cuda:", "'cuda:' has no whole number after the colon"),
        ("max_memory", 0, "max_memory=0 is not a positive number"),
        ("max_memory", float("nan"), "max_memory=nan is not a positive number"),
        ("max_memory", True, "max_memory=True is not a positive number"),
        ("max_memory", "4", "max_memory='4' is not a positive number"),
        ("mixed_precision", "yes", "mixed_precision='yes' is neither True nor False"),
    ],
)
def test_bad_value_is_named_and_leaves_the_setting(settings, name, value, message):
    before = getattr(settings, name)
    with pytest.raises(InputError) as caught:
        setattr(settings, name, value)
    assert message in str(caught.value)
    assert getattr(settings, name) == before


def test_unknown_setting_is_refused(settings):
    with pytest.raises(AttributeError):
        settings.verbose = 3
    with (
        pytest.raises(InputError, match=r"'verbos' is no setting\. Did you mean 'verbosity'\?"),
        settings.override(verbos=1),
    ):
        pass


def test_override_restores_even_after_an_error(settings):
    def fail() -> None:
        with settings.override(device="cuda:1", max_memory=1):
            assert (settings.device, settings.max_memory) == ("cuda:1", 1.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (settings.device, settings.max_memory) == ("cpu", 4.0)


def test_override_with_one_bad_value_changes_nothing(settings):
    with pytest.raises(InputError), settings.override(max_memory=1, device="gpu"):
        pass
    assert settings.max_memory == 4.0


@pytest.mark.parametrize(
    ("mode", "terminal", "shown"), [("on", False, True), ("off", True, False), ("auto", True, True)]
)
def test_progress(settings, monkeypatch, mode, terminal, shown):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    settings.progress = mode
    assert settings.show_progress() is shown


def test_package_has_one_settings_object():
    assert isinstance(scclamp.settings, Settings)
    assert repr(scclamp.settings).startswith("Settings(verbosity=")
