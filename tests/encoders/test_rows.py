"""Rows in the precision of an encoder; observations in mixed precision only where it is asked for, and never on the CPU."""

import numpy as np
import pandas as pd
import pytest
import torch

import scclamp as sc_c
from scclamp._assignment import assign
from scclamp.conditions import Conditions
from scclamp.encoders import GREmLN, as_encoder, cached, encoded_means
from scclamp.encoders import _rows as rows_of
from scclamp.encoders._gremln_model import GREmLNModel, GREmLNSizes
from scclamp.encoders._rows import encode_observations, encode_rows, mixed_precision

ROWS = np.random.default_rng(0).gamma(1.0, size=(6, 70))


class Watcher(torch.nn.Module):
    """Keeps the precision of each product."""

    def __init__(self, dtype=torch.float32):
        super().__init__()
        self.layer = torch.nn.Linear(70, 3, dtype=dtype)
        torch.nn.init.constant_(self.layer.weight, 0.01)
        self.seen = []

    def forward(self, x):
        product = self.layer(x)
        self.seen.append(product.dtype)
        return product.tanh()


@pytest.fixture
def mixed():
    with sc_c.settings.override(mixed_precision=True):
        yield


@pytest.fixture
def anywhere(monkeypatch, mixed):
    """Mixed precision on the CPU too, as torch has it there, so that what happens on a device is seen without one."""
    monkeypatch.setattr(rows_of, "_MIXED", ("cuda", "cpu"))


def means_of(screen, encoder):
    cells = assign(screen, rng=0)
    return encoded_means(encoder, Conditions.from_cells(screen, cells), screen, cells=cells)


def test_precision_is_that_of_the_encoder():
    for dtype in (torch.float32, torch.float64):
        watcher = Watcher(dtype)
        found = encode_rows(as_encoder(watcher), ROWS)
        assert (found.dtype, watcher.seen) == (np.float64, [dtype])
        weight = watcher.layer.weight.detach().double().numpy()
        expected = np.tanh(ROWS @ weight.T + watcher.layer.bias.detach().double().numpy())
        np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype == torch.float32 else 1e-12)


def test_nothing_is_mixed_on_the_cpu(screen, mixed, tmp_path):
    watcher = Watcher()
    plain = as_encoder(watcher)
    assert mixed_precision(plain) is None
    found = means_of(screen, plain)
    kept = means_of(screen, cached(plain, tmp_path))
    assert set(watcher.seen) == {torch.float32}
    with sc_c.settings.override(mixed_precision=False):
        np.testing.assert_array_equal(means_of(screen, plain), found)
    np.testing.assert_array_equal(kept, found)


def test_where_precision_is_mixed_only_observations_are(screen, anywhere):
    watcher = Watcher()
    encoder = as_encoder(watcher)
    found = means_of(screen, encoder)
    assert set(watcher.seen) == {torch.bfloat16}
    watcher.seen.clear()
    encode_rows(encoder, ROWS)
    encoder.encode(torch.as_tensor(ROWS, dtype=torch.float32))
    means_of(screen, as_encoder(watcher, affine=True))
    assert set(watcher.seen) == {torch.float32}
    with sc_c.settings.override(mixed_precision=False):
        exact = means_of(screen, encoder)
    gap = np.abs(np.subtract(found, exact)).max()
    assert 0 < gap < 0.01


def test_double_precision_is_left_alone(anywhere):
    watcher = Watcher(torch.float64)
    assert mixed_precision(as_encoder(watcher)) is None
    encode_observations(as_encoder(watcher), ROWS)
    assert watcher.seen == [torch.float64]


def test_mixed_encodings_are_kept_apart(anywhere, tmp_path):
    watcher = Watcher()
    encode = cached(as_encoder(watcher), tmp_path).observations([f"G{i}" for i in range(70)])
    mixed, again = encode(ROWS), encode(ROWS)
    np.testing.assert_array_equal(mixed, again)
    with sc_c.settings.override(mixed_precision=False):
        exact = cached(as_encoder(watcher), tmp_path).observations([f"G{i}" for i in range(70)])(ROWS)
    assert watcher.seen == [torch.bfloat16, torch.float32]
    assert not np.array_equal(exact, mixed)


@pytest.fixture
def gremln(tmp_path):
    names = ["<PAD>", "<MASK>", *(f"ENSG{i}" for i in range(70)), "<CLS>"]
    pd.DataFrame({"gene_name": names, "idx": range(len(names))}).to_csv(tmp_path / "vocabulary.csv", index=False)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(GREmLNModel(GREmLNSizes(len(names), 23, 8, 8, 16, 2, 8)).state_dict(), tmp_path / "model.pt")
    network = pd.DataFrame({"source": names[2:40], "target": names[3:41]})
    return lambda **place: GREmLN.from_checkpoint(tmp_path, names[2:-1], network=network, **place)


def test_a_sparse_network_is_read_in_mixed_precision(gremln, anywhere):
    encoder = gremln()
    exact, found = encode_rows(encoder, ROWS), encode_observations(encoder, ROWS)
    assert 0 < np.abs(found - exact).max() < 0.05


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_device_mixes_when_asked_to(gremln):
    for encoder in (gremln(device="cuda"), as_encoder(Watcher().cuda())):
        exact = encode_observations(encoder, ROWS)
        np.testing.assert_array_equal(exact, encode_rows(encoder, ROWS))
        with sc_c.settings.override(mixed_precision=True):
            assert mixed_precision(encoder) == torch.bfloat16
            found = encode_observations(encoder, ROWS)
        assert 0 < np.abs(found - exact).max() < 0.05
