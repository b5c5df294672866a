"""Messages in the words of the command line."""

import pytest

from scclamp.cli._fit_options import WORDS
from scclamp.cli._words import to_options

KNOWN = {**WORDS, "path": "", "refit": "--refit", "crowding": "--set crowding="}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("control='no guide' is not there.", "--control 'no guide' is not there."),
        ("control=['A', 'B'] are rare.", "--control A --control B are rare."),
        ("Pass perturbation_key='x' and control= with it.", "Pass --perturbation-key x and --control with it."),
        ("aliases={'p53': 'TP53'} and others.", "--alias p53=TP53 and others."),
        ("layer=None: no column was read.", "No column was read."),
        ("layer=None (X) holds counts.", "X holds counts."),
        ("There are no layers; leave layer=None to use X.", "There are no layers; leave out --layer to use X."),
        ("perturbation_key=None, but there are two.", "No --perturbation-key, but there are two."),
        ("max_epochs=3.5 must be whole.", "--epochs 3.5 must be whole."),
        ("crowding=-1 must not be.", "--set crowding=-1 must not be."),
        ("fit with n_seeds=5.", "Fit with --seeds 5."),
        ("refit=False leaves it out; refit=True does not.", "--no-refit leaves it out; --refit does not."),
        ("path='my file.h5ad' is damaged.", "'my file.h5ad' is damaged."),
        ("Call scclamp.pp.recipe(adata) first.", "Pass --recipe."),
        ("These are for tl.fit(unmeasured='latent').", "These are for --unmeasured latent."),
        ("Run scclamp.tl.fit(adata) first, or give the key of a fit.", "Run `scclamp fit` first, or give its --key."),
        ("a limit of settings.max_memory=4 GB", "A limit of --max-memory 4 GB"),
        ("not among adata.var_names of adata", "Not among var_names of the file"),
        ("scclamp.tl.benchmark(adata, splits='x').", "`scclamp benchmark --splits x`."),
        ("screen.h5ad was read; obs['control'] was not.", "screen.h5ad was read; obs['control'] was not."),
        ("control: 'x' is not there.", "--control: 'x' is not there."),
        ("'+': write genes joined by single '+'.", "'+': write genes joined by single '+', without spaces."),
        ("mean of some_layer=3 stays", "Mean of some_layer=3 stays"),
    ],
)
def test_arguments_become_options(message, expected):
    assert to_options(message, KNOWN) == expected


def test_a_command_without_words_leaves_arguments_alone():
    assert to_options("layer='x' is there.", {}) == "layer='x' is there."


def test_a_command_without_the_recipe_names_the_one_that_has_it():
    said = to_options("Call scclamp.pp.recipe(adata) first.", {"layer": "--layer"})
    assert said == "Pass what `scclamp fit --recipe` wrote."
