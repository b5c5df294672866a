"""A small screen whose means are random, so that every formula can be worked out by hand."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scclamp import datasets
from scclamp.conditions import Conditions

GENES = ["A", "B", "C", "D", *(f"G{i}" for i in range(26))]
LABELS = ["control", "A", "B", "C", "D", "U", "A+B", "A+U", "B+C+D", "A+X"]


@pytest.fixture(scope="session")
def screen():
    """One row per condition: U is perturbed and not measured, X never perturbed alone."""
    rng = np.random.default_rng(0)
    expression = rng.uniform(0.1, 3, (len(LABELS), len(GENES)))
    obs = pd.DataFrame({"perturbation": LABELS}, index=LABELS)
    adata = ad.AnnData(expression, obs=obs, var=pd.DataFrame(index=GENES))
    return Conditions.from_anndata(adata, unmeasured="latent", train_fraction=1.0)


@pytest.fixture(scope="session")
def singles(screen):
    """The same without combinations."""
    return screen.select(screen.singles)


@pytest.fixture(scope="session")
def means(screen):
    """Mean of each condition by its name."""
    return dict(zip(screen.names, screen.train_mean, strict=True))


@pytest.fixture(scope="session")
def tiny():
    """Conditions of the smallest simulated screen."""
    return Conditions.from_anndata(datasets.simulated("tiny"), rng=0)


@pytest.fixture(scope="session")
def norman(shared_data):
    """Norman's pseudobulk in log2 fold changes, the space of the published figures."""
    path = shared_data / "norman2019_pseudobulk" / "norman2019_pseudobulk.h5ad"
    if not path.exists():
        pytest.skip(f"no {path}")
    adata = ad.read_h5ad(path)
    # X is ln(1 + mean); the folds are the differences of X to control, in log2.
    adata.X = np.asarray(adata.X.toarray() if hasattr(adata.X, "toarray") else adata.X, float) / np.log(2)
    return Conditions.from_anndata(adata, unmeasured="latent", train_fraction=1.0)


@pytest.fixture(scope="session")
def reference(norman):
    """Score a predictor on Norman's doubles with both singles: mean r and explained variance, clamped genes left out."""
    alone = {target[0] for target in norman.targets if len(target) == 1}
    at = [i for i, target in enumerate(norman.targets) if len(target) == 2 and alone.issuperset(target)]
    assert len(at) == 62
    observed = norman.train_mean[at] - norman.train_mean[0]
    clamped = [[norman.genes.index(g) for g in norman.targets[i] if g in norman.genes] for i in at]

    def score(predictor):
        predicted = predictor.predict([norman.targets[i] for i in at]) - norman.train_mean[0]
        pairs = [(np.delete(p, c), np.delete(o, c)) for p, o, c in zip(predicted, observed, clamped, strict=True)]
        r = np.mean([np.corrcoef(p, o)[0, 1] for p, o in pairs])
        return r, 1 - sum(((p - o) ** 2).sum() for p, o in pairs) / sum((o**2).sum() for _, o in pairs)

    return score
