"""What a fit looks at before it starts, and what it says about it."""

import logging
import warnings

import numpy as np
import pytest
import torch

from scclamp import datasets
from scclamp._errors import InputError, InputWarning
from scclamp.conditions import Conditions
from scclamp.encoders import as_encoder
from scclamp.fitting import FitConfig
from scclamp.tl import fit
from scclamp.tl._fit_checks import FEW_CELLS, look_at, look_through, read_config, report


@pytest.fixture(scope="module")
def screen():
    return datasets.simulated("tiny")


def read(adata, **options):
    return Conditions.from_anndata(adata, **{"rng": 0} | options)


def pseudobulk(screen):
    names = [str(name) for name in screen.obs["perturbation"]]
    return screen[[names.index(name) for name in dict.fromkeys(names)]].copy()


def test_settings_are_changed_one_by_one():
    assert read_config(None, {}, fit) == FitConfig()
    paper = FitConfig.paper()
    assert read_config(paper, {"max_epochs": 3}, fit) == paper.replace(max_epochs=3)


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        ({"n": 2}, {}, r"config=\{'n': 2\} is no FitConfig"),
        (
            None,
            {"max_epoch": 3},
            "'max_epoch' is neither an argument of tl.fit nor a setting.*Did you mean 'max_epochs'",
        ),
        (None, {"pertubation_key": "a"}, "Did you mean 'perturbation_key'"),
        (None, {"n": -1.0}, "n=-1.0 must be a finite number"),
    ],
)
def test_wrong_settings_are_named(config, changes, message):
    with pytest.raises(InputError, match=message):
        read_config(config, changes, fit)


def said(conditions, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InputWarning)
        look_at(conditions, **{"bootstrap": False, "split": False} | options)
    return [str(w.message) for w in caught]


@pytest.mark.parametrize("mode", ["CRISPRa", "CRISPRi"])
@pytest.mark.parametrize("n_unmeasured", [0, 3])
def test_activation_and_interference_are_no_knockouts(mode, n_unmeasured):
    screen = datasets.simulated("tiny", mode=mode, n_unmeasured=n_unmeasured)
    assert said(read(screen, unmeasured="latent")) == []


def test_wrong_labels_and_values_are_one_message(screen):
    guides = screen.copy()
    guides.obs["perturbation"] = [
        name if name == "control" else f"{name}-sg1" for name in guides.obs["perturbation"].astype(str)
    ]
    with pytest.raises(InputError, match=r"^unmeasured='error': .*scclamp\.pp\.perturbations"):
        fit(guides)
    guides.X = guides.layers["counts"]
    message = r"(?s)^2 problems, both .*\n  - .* look like counts.*\n  - unmeasured='error': .*pp\.perturbations"
    with pytest.raises(InputError, match=message):
        fit(guides)
    with pytest.raises(InputError, match=r"(?s)^2 problems, both .*look like counts.*\n  - perturbation_key='nope'"):
        fit(guides, perturbation_key="nope")


def test_transcripts_that_remain_ask_for_a_knockout(screen):
    kept = screen.copy()
    X = kept.X.toarray()
    control = X[(kept.obs["perturbation"] == "control").to_numpy()]
    regulators = kept.var_names.str.startswith("REG")
    rng = np.random.default_rng(0)
    X[:, regulators] = control[rng.integers(len(control), size=len(X))][:, regulators]
    kept.X = X
    (told,) = said(read(kept))
    labels = kept.obs["perturbation"].astype(str).to_numpy()
    at = {name: kept.var_names.get_loc(name) for name in kept.var_names[regulators]}
    shares = [np.expm1(X[labels == n, i].mean()) / np.expm1(X[labels == "control", i].mean()) for n, i in at.items()]
    assert f"the median of {len(at)} genes is at" in told
    assert abs(float(told.split(" is at ")[1][:4]) - sorted(shares)[len(at) // 2]) < 0.15
    assert "pass clamp_values='knockout'" in told
    assert said(read(kept), knockout=True) == []
    assert said(read(kept, n_bootstrap=2)) == [told], "the cells as they are, not a resample"
    few = kept[kept.obs["perturbation"].isin(["control", "REG01", "REG02"])].copy()
    assert said(read(few)) == []
    assert not any("transcripts" in each for each in said(read(pseudobulk(kept), train_fraction=1.0)))
    with pytest.warns(InputWarning, match="The transcripts of perturbed genes remain") as caught:
        fit(kept, max_epochs=2)
    assert caught[0].filename == __file__
    fit(kept, max_epochs=2, clamp_values="knockout")


def test_a_sound_screen_is_logged_and_not_warned_of(screen, caplog):
    with caplog.at_level(logging.INFO, logger="scclamp"):
        assert said(read(screen)) == []
    (message,) = caplog.messages
    n = int(screen.obs["perturbation"].isin(["control", *screen.uns["truth"]["regulators"]]).sum())
    assert f"control recognised: 8 single-gene conditions and the control, {n} cells, 8 regulators" in message


def test_without_validation_cells_the_training_loss_chooses(screen):
    (message,) = said(read(screen, train_fraction=1.0))
    assert message.startswith("No condition has cells to validate on")
    assert said(read(screen, train_fraction=1.0), split=True) == []


def test_one_row_per_condition_has_nothing_to_resample(screen):
    bulk = read(pseudobulk(screen))
    assert [m.split(",")[0].split("(")[0].strip() for m in said(bulk, bootstrap=True)] == [
        "Every condition has one row",
        "No condition has cells to validate on",
    ]


@pytest.mark.parametrize("label", ["control", "REG03"])
def test_few_cells_are_counted_and_named(screen, label):
    at = np.flatnonzero(screen.obs["perturbation"] == label)
    few = screen[np.setdiff1d(np.arange(screen.n_obs), at[FEW_CELLS - 1 :])].copy()
    enough = screen[np.setdiff1d(np.arange(screen.n_obs), at[FEW_CELLS:])].copy()
    assert said(read(enough)) == []
    (message,) = said(read(few))
    expected = (
        "The control has only 9 cells" if label == "control" else "1 of 8 conditions have fewer than 10 cells ('REG03')"
    )
    assert message.startswith(expected)


def test_the_end_of_a_fit_is_logged(caplog):
    found = {
        "n_epochs": 30,
        "best_epoch": np.array([0, 12]),
        "best_validation": np.array([0.5, 0.25]),
        "spectral_radius": np.array([[0.1, 0.7], [0.2, 0.3]]),
        "limit_reached": np.array([False, False]),
    }
    with caplog.at_level(logging.INFO, logger="scclamp"):
        report(found)
    assert caplog.messages == [
        "30 epochs; kept epoch 0, 12 (0 is the start), validation 0.5, 0.25, largest spectral radius 0.70"
    ]
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="scclamp"):
        report(found | {"limit_reached": np.array([False, True])})
    assert caplog.messages[1:] == [
        "max_epochs=30 was reached before 1 of 2 members ran out of patience: a larger one may gain more"
    ]


def test_a_lens_that_shows_little_is_named(screen):
    singles = read(screen)
    few = as_encoder(lambda x: x[..., :9].tanh(), name="few")
    with pytest.warns(InputWarning, match=r"encoder='few' fails 1 checks: gradient flow \(0\.15\)"):
        look_through(few, singles, torch.float32, "cpu")
    look_through(as_encoder(torch.tanh), singles, torch.float32, "cpu")
    with pytest.raises(InputError, match="parameters of float64 on cpu, but the states of the fit are float32"):
        look_through(
            as_encoder(torch.nn.Linear(60, 2, dtype=torch.float64), affine=True), singles, torch.float32, "cpu"
        )
