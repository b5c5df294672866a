import copy
import os
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import scclamp as sc_c
from scclamp._assignment import assign
from scclamp._errors import InputError, StorageError
from scclamp._storage import decode
from scclamp.conditions import Conditions
from scclamp.encoders import Encoder, as_encoder, cached, encoded_means, placement
from scclamp.encoders import _cache as cache

GENES = ("A", "B", "C")
ROWS = np.arange(12.0).reshape(4, 3) / 7


class Lens:
    """Counts its calls; everything that a key is made of can be set."""

    name, affine = "lens", False

    def __init__(self, weight=1.0, dtype=torch.float32):
        self.function = torch.nn.Linear(3, 2, dtype=dtype)
        with torch.no_grad():
            self.function.weight.fill_(weight)
            self.function.bias.fill_(0.5)
        self.input = "log"
        self.mapping = None
        self.calls = 0

    def encode(self, x):
        self.calls += 1
        return torch.tanh(self.function(x))

    def fingerprint(self):
        return f"lens {self.function.weight.flatten().tolist()}"


def _calls(lens, folder, genes=GENES, rows=ROWS):
    """How often the lens is asked when its answer may be in the cache."""
    before = lens.calls
    cached(lens, folder).observations(genes)(rows)
    return lens.calls - before


@pytest.fixture
def filled(tmp_path):
    assert _calls(Lens(), tmp_path) == 1
    assert _calls(Lens(), tmp_path) == 0
    return tmp_path


def _changed(**changes):
    lens = Lens()
    for name, value in changes.items():
        setattr(lens, name, value)
    return lens


@pytest.mark.parametrize(
    "lens",
    [
        lambda: Lens(weight=1.001),
        lambda: Lens(dtype=torch.float64),
        lambda: _changed(input="counts"),
        lambda: _changed(mapping=SimpleNamespace(genes=GENES, tokens=np.array([4, -1, 7]))),
    ],
    ids=["fingerprint", "precision", "input", "vocabulary"],
)
def test_another_encoder_is_another_key(filled, lens):
    assert _calls(lens(), filled) == 1


def test_tokens_are_part_of_the_key_and_another_panel_is_refused(filled):
    first, other = (
        _changed(mapping=SimpleNamespace(genes=GENES, tokens=np.array(tokens))) for tokens in ([4, -1, 7], [4, 5, 7])
    )
    assert (_calls(first, filled), _calls(other, filled), _calls(first, filled)) == (1, 1, 0)
    with pytest.raises(InputError, match="'lens' was made for the same genes in another order: gene 0 is 'B' here"):
        _calls(first, filled, ("B", "A", "C"))


def test_a_module_or_its_method_is_cached_as_it_is(tmp_path):
    layer = torch.nn.Linear(3, 2)
    for given in (layer, layer.forward):
        found = cached(given, tmp_path).observations(GENES)(ROWS)
        np.testing.assert_allclose(found, layer(torch.as_tensor(ROWS).float()).detach().double(), rtol=1e-6)
    with pytest.raises(InputError, match="plain function"):
        cached(torch.tanh, tmp_path)


@pytest.mark.parametrize(
    ("genes", "rows"),
    [
        (("B", "A", "C"), ROWS),
        (GENES, np.nextafter(ROWS, 9)),
        (GENES, ROWS[::-1].copy()),
        (GENES, ROWS[:3]),
    ],
    ids=["panel", "last bit", "order", "block"],
)
def test_other_data_are_another_key(filled, genes, rows):
    assert _calls(Lens(), filled, genes, rows) == 1
    assert _calls(Lens(), filled) == 0


def test_code_and_format_are_part_of_the_key(filled, monkeypatch):
    monkeypatch.setattr(cache, "code_version", lambda _: "newer")
    assert _calls(Lens(), filled) == 1
    monkeypatch.undo()
    monkeypatch.setattr(cache, "_FORMAT", "2")
    assert _calls(Lens(), filled) == 1


def test_the_device_is_part_of_the_key(filled, monkeypatch):
    monkeypatch.setattr(cache, "placement", lambda _: (torch.float32, torch.device("cuda")))
    assert _calls(Lens(), filled) == 1


def test_a_damaged_entry_is_computed_again_and_replaced(filled, caplog):
    (entry,) = filled.iterdir()
    good = entry.read_bytes()
    entry.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    assert _calls(Lens(), filled) == 1
    assert "is damaged" in caplog.text
    assert entry.read_bytes() == good


def test_it_is_the_encoder_in_every_other_way(tmp_path):
    lens = Lens()
    wrapped = cached(lens, tmp_path)
    assert isinstance(wrapped, Encoder)
    assert as_encoder(wrapped) is wrapped
    assert (wrapped.name, wrapped.affine, wrapped.input) == ("lens", False, "log")
    assert wrapped.fingerprint() == lens.fingerprint()
    assert placement(wrapped) == (torch.float32, torch.device("cpu"))
    for x in (torch.ones(2, 3, requires_grad=True), torch.ones(2, 3)):
        assert torch.equal(wrapped.encode(x), lens.encode(x))
        assert not list(tmp_path.iterdir()), "states of a fit are not kept"
    x = torch.ones(2, 3, requires_grad=True)
    wrapped.encode(x).sum().backward()
    expected = lens.function.weight.sum(0) * (1 - np.tanh(3.5) ** 2)
    torch.testing.assert_close(x.grad, expected.detach().expand(2, 3))
    with pytest.raises(AttributeError):
        wrapped.reconstruct(x)
    for twin in (copy.deepcopy(wrapped), pickle.loads(pickle.dumps(cached(torch_lens(), tmp_path)))):
        assert twin.fingerprint()
    assert cached(wrapped, tmp_path / "other").encoder is lens


def torch_lens():
    return as_encoder(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Tanh()))


@pytest.mark.parametrize("chunk_size", [50, 4096])
def test_means_are_the_same_and_need_no_second_pass_for_another_split(screen, tmp_path, chunk_size):
    lens = Lens()
    lens.function = torch.nn.Linear(70, 2)
    calls = []
    for rng in (0, 1, 0):
        cells = assign(screen, rng=rng)
        conditions = Conditions.from_cells(screen, cells)
        plain = encoded_means(lens, conditions, screen, cells=cells, chunk_size=chunk_size)
        before = lens.calls
        kept = encoded_means(cached(lens, tmp_path), conditions, screen, cells=cells, chunk_size=chunk_size)
        calls.append(lens.calls - before)
        np.testing.assert_array_equal(kept, plain)
    assert calls == [-(-180 // chunk_size), 0, 0]


def test_a_fit_is_the_same(tmp_path):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Linear(60, 9), torch.nn.Tanh())
    screen = sc_c.datasets.simulated("tiny")
    results = []
    for encoder in (net, cached(as_encoder(net), tmp_path), cached(as_encoder(net), tmp_path)):
        adata = sc_c.tl.fit(screen, encoder=encoder, max_epochs=3, rng=0, copy=True)
        results.append((decode(adata).digests, decode(adata).params["encoder_sha256"]))
    assert results[0] == results[1] == results[2]
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("bound", [0, -1.0, float("inf"), float("nan"), True, "5"])
def test_an_impossible_bound_is_refused(tmp_path, bound):
    with pytest.raises(InputError, match="max_gigabytes="):
        cached(Lens(), tmp_path, max_gigabytes=bound)


def test_the_bound_is_in_gigabytes(tmp_path):
    assert cached(Lens(), tmp_path, max_gigabytes=0.25).store.max_bytes == 250_000_000


def test_a_plain_function_is_refused(tmp_path):
    with pytest.raises(InputError, match="plain function"):
        cached(as_encoder(torch.sin), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"folder=.*cannot be made"):
        cached(Lens(), tmp_path / "file" / "inside")


def test_the_folder_is_that_of_the_environment_or_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("SCCLAMP_CACHE", str(tmp_path))
    assert cached(Lens()).store.folder == tmp_path / "encodings"
    monkeypatch.delenv("SCCLAMP_CACHE")
    if os.name == "posix" and os.uname().sysname == "Linux":
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        assert cached(Lens()).store.folder == tmp_path / "xdg" / "scclamp" / "encodings"
