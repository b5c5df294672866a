"""Any AnnData gives valid conditions or an error of ours that names the cause, and is left as it was."""

from __future__ import annotations

import re
import tempfile
import warnings
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from scclamp._errors import InputError, InputWarning
from scclamp.conditions import Conditions

NAMES = ["A", "B", "HLA-A", "a/b", "N_1", "RP11.2", "", "ctrl", "A+B", "é"]
WORDS = [
    "ctrl",
    "control",
    "NTC",
    "A",
    "B",
    "A+ctrl",
    "A+B",
    "B+A",
    "A_B",
    "a/b",
    "N_1",
    "Q",
    "Q_R",
    "",
    " A ",
    "doublet",
]
CONTROLS = {"ctrl", "control", "NTC"}
STORES = [
    "dense",
    "fortran",
    "csr",
    "csc",
    "view",
    "csr view",
    "backed dense",
    "backed csr",
    "backed csc",
    "backed view",
]
DTYPES = [np.float64, np.float32, np.float16, np.int64, np.int32, np.uint8, bool, np.complex64]


HAZARDS = (
    "no rows|one row|two rows|no genes|one gene|twin genes|twin rows|counts|bad value|zeros|odd column|odd labels|missing"
    "|odd dtype|no control|named control|named column|error|observed|bootstrap|split"
).split("|")


def values_of(draw, n, g, rng, hazards):
    density = 0.0 if "zeros" in hazards else draw(st.sampled_from([0.3, 1.0]))
    values = np.where(rng.random((n, g)) < density, rng.lognormal(size=(n, g)), 0)
    if "counts" in hazards:
        values = np.rint(values * 9)
    if values.size and "bad value" in hazards:
        values.flat[rng.integers(values.size)] = draw(st.sampled_from([np.nan, np.inf, -1.0, 1e300, 5e4, -0.0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return values.astype(draw(st.sampled_from(DTYPES if "odd dtype" in hazards else DTYPES[:3])))


def labels_of(draw, n, rng, hazards):
    words = ["A", "B", *draw(st.lists(st.sampled_from(WORDS[:9]), max_size=5))]
    words = [w for w in words if w not in CONTROLS] if "no control" in hazards else ["ctrl", *words]
    words += draw(st.lists(st.sampled_from(WORDS), max_size=3)) if "odd labels" in hazards else []
    words += [draw(st.sampled_from([None, np.nan, ""]))] if "missing" in hazards else []
    labels = pd.Series([words[i % len(words)] for i in rng.permutation(n)], dtype=object)
    return labels.astype(draw(st.sampled_from(["category", "object", "str"]))).array


@st.composite
def cases(draw):
    """A screen with at most three oddities, and the arguments of a call."""
    hazards = draw(st.sets(st.sampled_from(HAZARDS), max_size=3))
    n = next((k for k, name in enumerate(["no rows", "one row", "two rows"]) if name in hazards), 30)
    g = next((k for k, name in enumerate(["no genes", "one gene"]) if name in hazards), 8)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    index = np.array(["same"] * n if "twin rows" in hazards else [f"c{i}" for i in range(n)], str)
    genes = rng.choice(NAMES, g) if "twin genes" in hazards else np.array([*NAMES[:2], *rng.permutation(NAMES[2:])][:g])
    key = "odd" if "odd column" in hazards else draw(st.sampled_from(["perturbation", "gene"]))
    obs = pd.DataFrame({key: labels_of(draw, n, rng, hazards)}, index=index)
    obs["split"] = pd.Categorical(rng.choice(["train", "val", "test"], n))
    adata = ad.AnnData(values_of(draw, n, g, rng, hazards), obs=obs, var=pd.DataFrame(index=genes.astype(str)))
    arguments = {
        "unmeasured": "error" if "error" in hazards else draw(st.sampled_from(["latent", "latent", "drop"])),
        "clamp_values": "observed" if "observed" in hazards else "singles",
        "split_key": "split" if "split" in hazards else None,
        "perturbation_key": "gene" if "named column" in hazards else None,
        "control": draw(st.sampled_from(["ctrl", ["x", "ctrl"]])) if "named control" in hazards else None,
        "n_bootstrap": 2 if "bootstrap" in hazards else 0,
        "chunk_size": draw(st.sampled_from([1, 7, 4096])),
        "rng": draw(st.integers(0, 3)),
    }
    return adata, draw(st.sampled_from(STORES)), arguments


def store(adata, kind, folder):
    """Bring a screen to another kind of storage."""
    if "cs" in kind and adata.X.dtype != np.float16:
        adata.X = (sp.csr_matrix if "csr" in kind else sp.csc_matrix)(adata.X)
    if kind == "fortran":
        adata.X = np.asfortranarray(adata.X)
    if kind.startswith("backed"):
        path = Path(folder) / "x.h5ad"
        adata.write_h5ad(path)
        adata = ad.read_h5ad(path, backed="r")
    return adata[: max(1, adata.n_obs - 1)] if "view" in kind else adata


def snapshot(adata):
    X = adata.X[:] if adata.isbacked else adata.X
    X = X.toarray() if sp.issparse(X) else np.asarray(X)
    return X.tobytes(), X.dtype, adata.obs.to_csv(), [str(t) for t in adata.obs.dtypes], list(adata.var_names)


def check(c, adata):
    shape = (c.n_conditions, c.n_regulators)
    assert c.names[0] == "control"
    assert list(c.names[1:]) == sorted(set(c.names) - {"control"})
    assert list(c.regulators) == sorted(set(c.regulators))
    assert c.n_regulators > 0
    assert c.genes == tuple(adata.var_names)
    assert [c.genes[i] if i >= 0 else None for i in c.regulator_rows] == [
        r if r in c.genes else None for r in c.regulators
    ]
    assert c.clamp_mask.shape == c.clamp_values.shape[-2:] == shape
    assert np.isfinite(c.clamp_values).all()
    assert not c.clamp_values[..., ~c.clamp_mask].any()
    assert c.train_n[0] > 0
    assert (np.isnan(c.train_mean).all(-1) == (c.train_n == 0)).all()
    assert (np.isnan(c.val_mean).all(-1) == (c.val_n == 0)).all()
    assert (c.train_n + c.val_n > 0).all()
    assert c.train_n.sum() + c.val_n.sum() <= adata.n_obs
    for name, targets, complete in zip(c.names, c.targets, c.complete, strict=True):
        assert name == ("+".join(targets) or "control")
        assert complete == set(targets).issubset(c.regulators)


def one_screen(adata, kind, arguments):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # What anndata says about names and views, and what we say about cells left out, is not in question here.
        warnings.simplefilter("ignore")
        screen = store(adata, kind, folder)
        before = snapshot(screen)
        warnings.filterwarnings("error", category=RuntimeWarning)
        warnings.filterwarnings("ignore", category=InputWarning)
        error, conditions = None, None
        try:
            conditions = Conditions.from_anndata(screen, **arguments)
        except InputError as raised:
            error = str(raised)
        if conditions is None:
            event("error: " + " ".join(re.sub(r"\W+", " ", error).split()[:2]))
            assert re.search(r"\w=|^data\.|^obs\[| holds | has ", error), "the message names no argument and no place"
            assert error.endswith((".", "?"))
        else:
            event("conditions")
            check(conditions, screen)
        assert snapshot(screen) == before
        if screen.isbacked:
            screen.file.close()


RUN = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@settings(max_examples=100, **RUN)
@given(case=cases())
def test_conditions_or_a_named_error(case):
    one_screen(*case)


@pytest.mark.stress
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@settings(max_examples=500, **RUN)
@given(case=cases())
def test_conditions_or_a_named_error_for_long(case):
    one_screen(*case)
