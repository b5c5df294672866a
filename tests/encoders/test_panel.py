"""Encoders of one panel and AnnData of another, wherever an encoder is taken."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import scclamp as sc_c
from scclamp._errors import InputError
from scclamp.encoders import as_encoder, cached, check, require_panel


@pytest.fixture(scope="module")
def adata():
    return sc_c.datasets.simulated("tiny")


class Mapped:
    """A lens for the genes of one panel."""

    name, affine = "mapped", False
    gene_embeddings = np.ones((60, 2))

    def __init__(self, genes):
        self.mapping = SimpleNamespace(genes=tuple(genes), tokens=np.arange(len(genes)))

    def encode(self, x):
        return x.tanh()

    def reconstruct(self, x):
        return x.tanh()

    def fingerprint(self):
        return "mapped"


ENTRIES = {
    "check": lambda adata, lens: check(lens, adata, rng=0),
    "fit": lambda adata, lens: sc_c.tl.fit(adata, encoder=lens, max_epochs=1),
    "cached": lambda adata, lens: sc_c.tl.fit(adata, encoder=cached(lens), max_epochs=1),
    "transmission": lambda adata, lens: sc_c.tl.transmission(adata, lens, basis="gamma", n_cells=4, n_bootstrap=9),
    "probe": lambda adata, lens: sc_c.tl.probe_grn(adata, lens, sources="REG01"),
    "embedding": lambda adata, lens: sc_c.tl.probe_grn(adata, lens, sources="REG01", method="embedding"),
    "method": lambda adata, lens: sc_c.tl.probe_grn(adata, reconstruct=lens.reconstruct, sources="REG01"),
    "features": lambda adata, lens: sc_c.tl.probe_features(adata, lens, sources="REG01"),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_another_order_or_other_genes_are_refused(adata, entry, tmp_path, monkeypatch):
    monkeypatch.setenv("SCCLAMP_CACHE", str(tmp_path))
    genes = list(adata.var_names)
    with pytest.raises(
        InputError, match=rf"same genes in another order: gene 0 is '{genes[0]}' here, but '{genes[-1]}'"
    ):
        ENTRIES[entry](adata.copy(), Mapped(genes[::-1]))
    with pytest.raises(InputError, match=r"other genes \(60 there, 60 here\): gene 59 is .* but 'X' there.*var_names"):
        ENTRIES[entry](adata.copy(), Mapped([*genes[:-1], "X"]))
    ENTRIES[entry](adata.copy(), Mapped(genes))


def test_what_was_made_for_no_panel_takes_any():
    require_panel(as_encoder(torch.nn.Linear(3, 2)), ["A", "B", "C"])
    with pytest.raises(InputError, match=r"other genes \(3 there, 2 here\): Make it"):
        require_panel(as_encoder(Mapped(["A", "B", "C"]).encode), ["A", "B"])


def test_components_of_one_panel_and_another_order(adata):
    pca = sc_c.encoders.PCA.from_data(adata, n_components=5)
    ENTRIES["transmission"](adata.copy(), pca)
    for entry in ("check", "fit", "transmission"):
        with pytest.raises(
            InputError, match=r"encoder='pca' was made for the same genes in another order.*encoder\.panel"
        ):
            ENTRIES[entry](adata[:, ::-1].copy(), pca)
    free = sc_c.encoders.PCA(pca.components, pca.mean)
    assert free.fingerprint() == pca.fingerprint()
    require_panel(free, reversed(adata.var_names))
    # A module's own attribute of that name is no panel.
    layer = torch.nn.Linear(60, 2)
    layer.panel = 3
    require_panel(as_encoder(layer), adata.var_names)
