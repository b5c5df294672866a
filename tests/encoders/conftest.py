import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp


@pytest.fixture(scope="session")
def screen():
    """Sparse cells of a control and three perturbations, 70 genes."""
    rng = np.random.default_rng(0)
    labels = np.repeat(["control", "G0", "G1", "G2"], [90, 30, 30, 30])
    X = rng.gamma(1.0, 1.0, (180, 1)) * rng.gamma(0.5, 1.0, (180, 70)) * (rng.random((180, 70)) < 0.5)
    obs = pd.DataFrame({"perturbation": labels}, index=[f"c{i}" for i in range(180)])
    return ad.AnnData(sp.csr_matrix(X), obs=obs, var=pd.DataFrame(index=[f"G{i}" for i in range(70)]))
