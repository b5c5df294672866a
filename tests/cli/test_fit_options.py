"""Options of a fit: each is named in messages, and settings are those of the configuration."""

import inspect

import pytest

import scclamp as sc_c
from scclamp._errors import InputError
from scclamp.cli._fit_options import SPLITS, WORDS, add_options, settings_of
from scclamp.cli._options import Parser
from scclamp.fitting import FitConfig


@pytest.fixture
def parser():
    parser = Parser(prog="fit")
    add_options(parser)
    parser.set_defaults(words=WORDS)
    return parser


@pytest.fixture
def read(parser):
    return lambda *argv: parser.parse_args(["screen.h5ad", "-o", "out.h5ad", *argv])


def test_every_name_in_messages_is_an_option(parser):
    known = {name for action in parser._actions for name in action.option_strings}
    assert set(WORDS.values()) <= known


def test_messages_about_arguments_of_the_fit_find_their_option():
    arguments = set(inspect.signature(sc_c.tl.fit).parameters)
    assert {"layer", "split_key", "unmeasured", "clamp_values", "encoder", "n_seeds", "rng", "key_added"} <= arguments
    assert arguments & set(WORDS) >= {"layer", "split_key", "unmeasured", "clamp_values", "encoder", "n_seeds", "rng"}


@pytest.mark.parametrize("kind", SPLITS)
def test_every_split_needs_no_more_than_its_name(kind):
    adata = sc_c.datasets.simulated("tiny", n_cells_per_condition=8, n_control_cells=8)
    sc_c.pp.split(adata, kind, rng=0)
    assert set(adata.obs["split"].dropna()) <= {"train", "val", "test"}


def test_settings_are_read_as_what_they_are(read):
    options = read("--set", "crowding=0.25", "--set", "betas=[0.8, 0.9]", "--epochs", "7")
    assert settings_of(options) == {"crowding": 0.25, "betas": (0.8, 0.9), "max_epochs": 7}
    assert options.words["crowding"] == "--set crowding="
    assert options.words["max_epochs"] == "--epochs", "the option's own name comes first"
    assert settings_of(read()) == {}


def test_the_option_wins_over_the_setting(read):
    assert settings_of(read("--set", "max_epochs=3", "--epochs", "7")) == {"max_epochs": 7}


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("crowdin=1", r"--set crowdin=1: 'crowdin' is no setting\. Did you mean 'crowding'"),
        ("betas=0.9", r"--set betas=0\.9: .*FitConfig"),
        ("crowding=-1", "crowding=-1"),
    ],
)
def test_settings_that_are_none_are_named_before_the_screen_is_read(read, pair, message):
    with pytest.raises(InputError, match=message):
        settings_of(read("--set", pair))


def test_every_setting_has_a_name_in_messages(read):
    options = read()
    settings_of(options)
    assert set(FitConfig.__dataclass_fields__) <= set(options.words)


@pytest.mark.parametrize(("text", "expected"), [("all", None), ("30", 30)])
def test_all_genes_or_some(read, text, expected):
    assert read("--n-top-genes", text).n_top_genes == expected
