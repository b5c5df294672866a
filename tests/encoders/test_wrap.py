import copy
import dataclasses

import numpy as np
import pytest
import torch

from scclamp._errors import InputError
from scclamp.encoders import PCA, Identity, as_encoder, placement, require_differentiable


@pytest.fixture
def module():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Dropout(0.5))


def test_a_module_is_used_as_it_is(module):
    module.eval()
    encoder = as_encoder(module, name="net")
    x = torch.ones(3, 5, requires_grad=True)
    assert torch.equal(encoder.encode(x), module(x))
    before = {k: v.clone() for k, v in module.state_dict().items()}
    require_differentiable(encoder, x)
    assert all(p.grad is None and p.requires_grad for p in module.parameters())
    assert not module.training
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())
    assert x.grad is None


def test_encoders_pass_through():
    encoder = Identity()
    assert as_encoder(encoder) is encoder
    assert as_encoder(torch.tanh).name == "tanh"


def test_fingerprint_follows_the_parameters(module):
    encoder = as_encoder(module)
    first = encoder.fingerprint()
    assert first == encoder.fingerprint()
    with torch.no_grad():
        module[0].bias[0] += 1e-3
    assert encoder.fingerprint() != first


def test_fingerprint_follows_the_layers_and_their_precision(module):
    others = [torch.nn.Sequential(module[0], torch.nn.ReLU(), module[2]), copy.deepcopy(module).double()]
    others += [copy.deepcopy(module).bfloat16(), torch.nn.Sequential(*module, torch.nn.Identity())]
    assert len({as_encoder(m).fingerprint() for m in (module, *others)}) == 5


@pytest.mark.parametrize("value", [3, None, [torch.tanh]])
def test_what_cannot_encode_is_named(value):
    with pytest.raises(InputError, match="neither an encoder"):
        as_encoder(value)


def test_gradients_flow(module):
    module.eval().double()
    x = torch.linspace(-1, 1, 10, dtype=torch.float64).reshape(2, 5).requires_grad_()
    assert torch.autograd.gradcheck(as_encoder(module).encode, x)


class Power(torch.nn.Module):
    """A setting that is no weight decides the output."""

    def __init__(self, k, factor):
        super().__init__()
        self.k, self.factor = k, factor

    def forward(self, x):
        return x**self.k * torch.as_tensor(self.factor)


def test_settings_that_are_no_weights_are_told_apart():
    prints = {
        as_encoder(Power(k, factor), name="power").fingerprint()
        for k in (1, 2)
        for factor in (1.0, 2.0, np.ones(3), np.arange(3.0))
    }
    assert len(prints) == 8
    assert as_encoder(Power(1, np.ones(3)), name="power").fingerprint() in prints


@dataclasses.dataclass
class Sizes:
    heads: int


class Kept(torch.nn.Module):
    """Settings in every place where modules keep them."""

    def __init__(self, where, value):
        super().__init__()
        if where == "buffer":
            self.register_buffer("given", torch.as_tensor(value), persistent=False)
        else:
            setattr(self, where, value)


@pytest.mark.parametrize(
    ("where", "one", "other"),
    [
        ("buffer", 1.0, 2.0),
        ("_private", 1.0, 2.0),
        ("single", np.float32(1), np.float32(2)),
        ("kind", torch.float32, torch.float64),
        ("activation", torch.tanh, torch.relu),
        ("sizes", Sizes(2), Sizes(4)),
        ("arrays", [np.arange(3.0)], [np.arange(3.0) + 1e-9]),
        ("double", torch.ones(1).double(), torch.ones(1).double() + 1e-12),
        ("nested", {"a": (1, 2)}, {"a": (1, 3)}),
    ],
)
def test_settings_are_told_wherever_they_are(where, one, other):
    prints = [as_encoder(Kept(where, value)).fingerprint() for value in (one, other, one)]
    assert prints[0] == prints[2] != prints[1]


def test_mode_is_told_and_memory_is_not(module):
    class Remembers(torch.nn.Linear):
        _last = None

        def forward(self, x):
            self._last, self._seen = x, {len(x): x}
            return super().forward(x)

    encoder = as_encoder(Remembers(2, 2))
    before = encoder.fingerprint()
    encoder.encode(torch.ones(3, 2))
    assert encoder.fingerprint() == before
    assert as_encoder(module).fingerprint() != as_encoder(copy.deepcopy(module).eval()).fingerprint()
    recurrent = [as_encoder(torch.nn.LSTM(2, 2, dropout=d, num_layers=2)) for d in (0.1, 0.2)]
    for each in recurrent:
        torch.nn.utils.vector_to_parameters(torch.ones(96), each.function.parameters())
    again = copy.deepcopy(recurrent[0])
    assert recurrent[0].fingerprint() == again.fingerprint() != recurrent[1].fingerprint()


def test_a_map_of_counts_gets_counts_of_that_depth(module):
    counts = torch.as_tensor(np.random.default_rng(0).poisson(2.0, (3, 5))).float()
    x = torch.log1p(counts / 20_000 * 1e3)
    lens = as_encoder(module.eval(), depth=20_000, target_sum=1e3)
    assert (lens.input, as_encoder(module).input, Identity().input, PCA.input) == ("counts", "log", "log", "log")
    torch.testing.assert_close(lens.encode(x), module(counts), rtol=1e-4, atol=1e-5)
    zero = torch.zeros(1, 5, requires_grad=True)
    (slope,) = torch.autograd.grad(lens.encode(zero).sum(), zero)
    expected = torch.autograd.functional.jacobian(module, torch.zeros(1, 5)).sum((0, 1, 2)) * 20
    torch.testing.assert_close(slope[0], expected)
    torch.testing.assert_close(lens.encode(zero - 1), lens.encode(zero))
    prints = {as_encoder(f, depth=d).fingerprint() for f in (module, torch.sin) for d in (None, 20_000, 30_000)}
    assert len(prints) == 6


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"depth": 0}, "depth=0 is no library size"),
        ({"depth": 1e4, "target_sum": -1}, "target_sum=-1"),
        ({"depth": 1e4, "affine": True}, "affine=True with depth=10000.0"),
    ],
)
def test_depths_that_cannot_be(given, message):
    with pytest.raises(InputError, match=message):
        as_encoder(torch.tanh, **given)
    with pytest.raises(InputError, match="is an encoder already"):
        as_encoder(Identity(), depth=1e4)


def test_a_method_of_a_module_is_told_by_its_parameters(module):
    class Model(torch.nn.Linear):
        def encode(self, x):
            return self(x).tanh()

    model = Model(5, 4)
    lens, x = as_encoder(model.encode), torch.ones(3, 5)
    assert (lens.name, placement(lens)[0]) == ("encode", torch.float32)
    first = lens.fingerprint()
    assert first not in {as_encoder(model.forward, name="encode").fingerprint(), as_encoder(model).fingerprint()}
    with torch.no_grad():
        model.bias += 1
    assert as_encoder(model.encode).fingerprint() != first
    assert torch.equal(lens.encode(x), model(x).tanh())


def test_states_are_brought_to_the_precision_of_a_function_and_back(module):
    module.eval()
    lens = as_encoder(lambda x: module(x), name="net", dtype=torch.float32)
    x = torch.linspace(-1, 1, 10, dtype=torch.float64).reshape(2, 5).requires_grad_()
    found = lens.encode(x)
    assert (found.dtype, placement(lens)) == (torch.float64, (torch.float32, torch.device("cpu")))
    torch.testing.assert_close(found, module(x.float()).double())
    (slope,) = torch.autograd.grad(found.sum(), x)
    assert slope.dtype == torch.float64
    prints = {as_encoder(torch.sin, dtype=d).fingerprint() for d in (None, torch.float32, torch.float64)}
    assert len(prints) == 3
    assert placement(as_encoder(torch.sin, device="meta")) == (torch.float64, torch.device("meta"))
    with pytest.raises(InputError, match="dtype='float32' is no floating precision"):
        as_encoder(torch.sin, dtype="float32")
    with pytest.raises(InputError, match=r"dtype=torch.float32: encoder='identity' is an encoder already"):
        as_encoder(Identity(), dtype=torch.float32)


class Autoencoder(torch.nn.Module):
    """Reads and writes counts, in single precision."""

    def __init__(self):
        super().__init__()
        self.down, self.up = torch.nn.Linear(5, 2), torch.nn.Linear(2, 5)

    def forward(self, x):
        return self.down(x).tanh()

    def reconstruct(self, x):
        return self.up(self(x))


def test_the_head_of_a_module_goes_with_it():
    model, x = Autoencoder(), torch.linspace(0, 2, 10, dtype=torch.float64).reshape(2, 5)
    lens = as_encoder(model, depth=2e4)
    counts = (torch.expm1(x) * 2).float()
    torch.testing.assert_close(lens.encode(x.float()), model(counts))
    given = as_encoder(model.forward, reconstruct=model.reconstruct, depth=2e4, dtype=torch.float32)
    torch.testing.assert_close(given.reconstruct(x), model.reconstruct(counts).double())
    torch.testing.assert_close(lens.reconstruct(x.float()), model.reconstruct(counts))
    assert placement(lens)[0] == torch.float32
    assert not hasattr(as_encoder(model.forward), "reconstruct")


@pytest.mark.parametrize("own", [torch.nn.Linear(2, 5), True], ids=["layer", "setting"])
def test_what_else_is_called_reconstruct_is_no_head(own):
    model = torch.nn.Linear(5, 2)
    model.reconstruct = own
    assert not hasattr(as_encoder(model), "reconstruct")
    assert as_encoder(model, reconstruct=torch.sin).head is torch.sin


def test_a_head_need_not_be_a_method():
    model = torch.nn.Linear(5, 2)
    model.reconstruct = torch.sin
    assert torch.equal(as_encoder(model).reconstruct(torch.ones(2, 5)), torch.ones(2, 5).sin())


def test_both_maps_decide_the_fingerprint():
    def prints(model):
        heads = (None, model.reconstruct, torch.sin, torch.nn.Sequential(model, model.up))
        return [as_encoder(model.forward, name="net", reconstruct=head).fingerprint() for head in heads]

    torch.manual_seed(0)
    model = Autoencoder()
    first = prints(model)
    assert len(set(first)) == 4
    assert first == prints(copy.deepcopy(model))
    with torch.no_grad():
        model.up.bias += 1
    assert not set(first) & set(prints(model))


def test_heads_that_cannot_be():
    with pytest.raises(InputError, match="reconstruct='up' is no map of a tensor"):
        as_encoder(torch.tanh, reconstruct="up")
    with pytest.raises(InputError, match="is an encoder already"):
        as_encoder(Identity(), reconstruct=torch.tanh)


@pytest.mark.filterwarnings("ignore:CUDA initialization")
@pytest.mark.parametrize("device", ["gpu", "nonsense", torch.device("cuda", 99)], ids=str)
def test_a_device_that_is_not_here_is_named(device):
    with pytest.raises(InputError, match=f"device='{device}' cannot be used"):
        as_encoder(torch.sin, device=device)


def test_whole_numbers_are_not_cut_in_silence(module):
    whole = torch.ones(2, 5, dtype=torch.int64)
    for lens in (as_encoder(module, dtype=torch.float32), PCA(np.eye(5)[:, :2], np.full(5, 0.5))):
        with pytest.raises(
            InputError, match=r"x is of torch\.int64, in which the numbers of encoder='\w+' would be cut"
        ):
            lens.encode(whole)
        assert lens.encode(whole.float()).is_floating_point()
