"""Encoders that cannot be looked through, and what is said of them."""

import numpy as np
import pytest
import torch

import scclamp as sc_c
from scclamp._errors import InputError, InputWarning
from scclamp.encoders import as_encoder, check, placement, require_differentiable
from scclamp.encoders._trial import try_out, try_out_rows

SHORT = {"n_cells": 4, "n_seeds": 2, "n_bootstrap": 20, "rng": 0}


@pytest.fixture
def module():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh())


@pytest.fixture(scope="module")
def adata():
    return sc_c.datasets.simulated("tiny")


@pytest.fixture(scope="module")
def single():
    """A model in single precision, from genes to as many numbers."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torch.nn.Linear(60, 60)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.tanh(x).detach(),
        lambda x: torch.as_tensor(np.tanh(x.detach().numpy())),
        lambda x: (x > 0).float(),
    ],
    ids=["detach", "numpy", "step"],
)
def test_stopped_gradients_are_named(function):
    with pytest.raises(InputError, match="stops gradients"):
        require_differentiable(as_encoder(function, name="f"), torch.ones(2, 3))


@pytest.mark.parametrize(
    "function",
    [lambda x: x.sum(), lambda x: x.sum(0), lambda x: [x], lambda x: x[None]],
    ids=["number", "one", "list", "three axes"],
)
def test_wrong_shapes_are_named(function):
    with pytest.raises(InputError, match=r"returned .* for 2 states"):
        require_differentiable(as_encoder(function, name="f"), torch.ones(2, 3))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_parameters_of_another_precision_are_named(module, dtype):
    encoder = as_encoder(module.to(dtype), name="net")
    kind = str(dtype).removeprefix("torch.")
    with pytest.raises(InputError, match=rf"'net' has parameters of {kind} on cpu.*\.to\('cpu', torch\.float32\)"):
        require_differentiable(encoder, torch.ones(2, 5))
    require_differentiable(as_encoder(module.float()), torch.ones(2, 5))


def test_parameters_on_another_device_are_named(module):
    with pytest.raises(
        InputError, match=r"parameters of float32 on meta, but the states of the fit are float32 on cpu"
    ):
        require_differentiable(as_encoder(module.to("meta")), torch.ones(2, 5))


def test_an_encoder_that_converts_its_input_is_fine_and_its_own_errors_stay(module):
    class Converting:
        name, affine, function = "own", False, module.double()

        def encode(self, x):
            return self.function(x.double()).to(x)

        def fingerprint(self):
            return "own"

    require_differentiable(Converting(), torch.ones(2, 5))
    with pytest.raises(InputError, match=r"shapes cannot be multiplied.*written with torch"):
        require_differentiable(as_encoder(module.float()), torch.ones(2, 4))


class Holder:
    """An encoder of its own, around a model in single precision that nobody sees."""

    name, affine = "holder", False

    def __init__(self, model):
        self.models = [model]

    def encode(self, x):
        return self.models[0](x).tanh()

    reconstruct = encode

    def fingerprint(self):
        return "holder"


ENTRIES = {
    "check": lambda adata, lens: check(lens, adata, rng=0),
    "fit": lambda adata, lens: sc_c.tl.fit(adata, encoder=lens, max_epochs=1),
    "transmission": lambda adata, lens: sc_c.tl.transmission(adata, {"mine": lens}, basis="gamma", **SHORT),
    "probe": lambda adata, lens: sc_c.tl.probe_grn(adata, reconstruct=lens, sources="REG01", rng=0),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_function_around_a_model_in_single_precision(adata, single, entry):
    ask, own = ENTRIES[entry], adata.copy()
    with pytest.raises(InputError, match=r"fails on states of float64 .* Wrap it by .*dtype=torch\.float32\)"):
        ask(own, lambda x: single(x).tanh())
    for lens in (single.forward, as_encoder(lambda x: single(x).tanh(), dtype=torch.float32)):
        ask(own, lens)


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_encoder_that_does_not_convert_is_told_to(adata, single, entry):
    lens = Holder(single)
    if entry == "probe":
        with pytest.raises(InputError, match=r"'holder' fails on states of float64 .*dtype=torch\.float32"):
            sc_c.tl.probe_grn(adata.copy(), lens, rng=0)
        return
    with pytest.raises(
        InputError, match=r"'holder' fails on states of float64 .*Convert inside of it: x.to\(torch.float32\)"
    ):
        ENTRIES[entry](adata.copy(), lens)


class Open(Holder):
    """The same with its model in an attribute, where it is seen."""

    def __init__(self, model):
        self.models, self.net = [model], model


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_model_in_an_attribute_says_where_states_belong(adata, single, entry):
    lens = Open(single)
    assert placement(lens)[0] == torch.float32
    if entry == "probe":
        sc_c.tl.probe_grn(adata.copy(), lens, sources="REG01", rng=0)
    ENTRIES[entry](adata.copy(), lens.reconstruct if entry == "probe" else lens)


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("hidden", [False, True], ids=["module", "method"])
def test_batch_statistics_in_training_are_refused_and_unchanged(adata, entry, hidden):
    module = torch.nn.Sequential(torch.nn.Linear(60, 60), torch.nn.BatchNorm1d(60))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(InputError, match=r"is in training mode, and its part '1' is a BatchNorm1d.*\.eval\(\)"):
        ENTRIES[entry](adata.copy(), module.forward if hidden else module)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


@pytest.mark.parametrize("entry", ["fit", "transmission", "probe"])
def test_dropout_is_warned_of(adata, entry):
    module = torch.nn.Sequential(torch.nn.Linear(60, 60), torch.nn.Dropout(0.5))
    with torch.random.fork_rng(), pytest.warns(InputWarning, match=r"encoded twice; dropout|answers differently"):
        ENTRIES[entry](adata.copy(), module)
    ENTRIES[entry](adata.copy(), module.eval())


def test_a_detached_lens_is_warned_of_where_nothing_is_fitted(adata):
    for affine in (False, True):
        lens = as_encoder(lambda x: 2 * x.detach(), name="still", affine=affine)
        with pytest.warns(InputWarning, match=r"encoder='still' fails 1 checks: gradient flow \(0\)"):
            ENTRIES["transmission"](adata.copy(), lens)
        sc_c.tl.transmission(adata.copy(), lens, basis="gamma", infinitesimal=False, **SHORT)


def test_whole_numbers_stop_gradients_and_saturation_does_not(module):
    x = torch.full((2, 5), 0.5)
    with pytest.raises(InputError, match=r"stops gradients.*whole numbers"):
        require_differentiable(as_encoder(lambda x: module(x.long().float()), name="f"), x)
    require_differentiable(as_encoder(lambda x: torch.relu(x - 1e3)), x)
    require_differentiable(as_encoder(lambda x: x.round()), x)


def test_numpy_inside_is_named_and_not_taken_for_a_precision(module):
    for lens in (as_encoder(lambda x: torch.as_tensor(x.numpy())), as_encoder(module.double(), name="m")):
        lens.function = (lambda x: torch.as_tensor(x.numpy())) if lens.name != "m" else NumpyInside(module)
        with pytest.raises(InputError, match=r"stops gradients: it turns states into numpy .*Write it with torch"):
            require_differentiable(lens, torch.ones(2, 5))


class NumpyInside(torch.nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return torch.as_tensor(x.numpy())


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: (x, x), r"returned tuple for 2 states"),
        (lambda x: {"z": x}, r"returned dict for 2 states"),
        (lambda x: x.sum(), r"returned \(\) for 2 states"),
        (lambda x: x @ torch.ones(7, 2).to(x), r"failed on states of shape \(2, 60\).*take tensors of that width"),
        (lambda x: np.tanh(x.detach().numpy()), r"returned ndarray for 2 states"),
        (lambda x: torch.as_tensor(x.numpy()), r"it turns states into numpy"),
        (lambda x: x["genes"], r"failed on states"),
    ],
)
def test_check_explains_as_a_fit_does(adata, function, message):
    for ask in (ENTRIES["check"], ENTRIES["fit"]):
        with pytest.raises(InputError, match=message):
            ask(adata.copy(), as_encoder(function, name="f"))


def test_a_single_row_is_tried_twice():
    try_out_rows(as_encoder(lambda x: x - x.mean(0)), np.ones((1, 3)))
    probe, encoded = try_out(as_encoder(lambda x: x.detach()), torch.ones(2, 3), gradients=False)
    assert not probe.requires_grad
    assert not encoded.requires_grad


def test_memory_that_runs_out_is_no_fault_of_the_encoder():
    def encode(x):
        raise torch.OutOfMemoryError("12 GB")

    with pytest.raises(torch.OutOfMemoryError, match="12 GB"):
        try_out(as_encoder(encode), torch.ones(2, 3))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x.round().long(), r"returned int64 \(strided\) for 2 states"),
        (lambda x: x > 0, "returned bool"),
        (lambda x: torch.complex(x, x), "returned complex64"),
        (lambda x: x.to_sparse(), r"returned float32 \(sparse_coo\)"),
        (lambda x: x[:, :0], r"returned \(2, 0\) for 2 states"),
        (lambda x: x.squeeze(), r"returned \(3,\) for 1 state\. Return a tensor \(states, d\), for one state too"),
    ],
    ids=["whole", "truth", "complex", "sparse", "empty", "squeezed"],
)
@pytest.mark.parametrize("gradients", [False, True])
def test_what_is_no_vector_of_numbers_for_each_state_is_named(function, message, gradients):
    with pytest.raises(InputError, match=message):
        try_out(as_encoder(function, name="f", affine=True), torch.ones(2, 3), gradients=gradients)


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize(
    "function", [lambda x: x.mul_(2), torch.nn.ReLU(inplace=True), torch.nn.ReLU(inplace=True).forward]
)
def test_an_encoder_that_changes_its_input_is_refused(function, gradients):
    # States above zero, which relu leaves as they are here and would not elsewhere.
    with pytest.raises(InputError, match=r"changes the states that it is given, in place.*x\.clone\(\)"):
        try_out(as_encoder(function, name="f"), torch.ones(2, 3), gradients=gradients)


@pytest.mark.parametrize("entry", ["check", "transmission", "probe"])
def test_weights_without_values_are_refused(adata, entry):
    with pytest.raises(InputError, match=r"has parameters without values \(device meta\)\. Load its weights"):
        ENTRIES[entry](adata.copy(), torch.nn.Linear(60, 60, device="meta"))


def test_a_silent_change_of_states_would_have_been_a_wrong_figure(adata):
    lens = as_encoder(lambda x: x.mul_(2), name="twice")
    with pytest.raises(InputError, match="in place"):
        sc_c.tl.transmission(adata.copy(), lens, infinitesimal=False, **SHORT)
    with pytest.raises(InputError, match="in place"):
        sc_c.tl.probe_grn(adata.copy(), reconstruct=lens, method="virtual", rng=0)
