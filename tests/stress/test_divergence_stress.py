"""The default fit must not diverge, at learning rates that made an unguarded one run away."""

import numpy as np
import pytest

import scclamp as sc_c
from scclamp._storage import decode

pytestmark = [pytest.mark.stress, pytest.mark.filterwarnings("ignore::scclamp.errors.InputWarning")]
EPOCHS = 3000


@pytest.mark.parametrize("learning_rate", [1e-3, 3e-3, 1e-2])
@pytest.mark.parametrize("screen", ["tiny", "demo", "norman"])
def test_the_default_fit_does_not_diverge(request, screen, learning_rate, record_property):
    options = {}
    if screen == "norman":
        import anndata as ad

        folder = request.getfixturevalue("shared_data") / "norman2019_pseudobulk"
        adata, options = ad.read_h5ad(folder / "norman2019_pseudobulk.h5ad"), {"unmeasured": "latent"}
    else:
        adata = sc_c.datasets.simulated(screen)
    # ConvergenceWarning is an error here, as every warning.
    sc_c.tl.fit(adata, learning_rate=learning_rate, max_epochs=EPOCHS, patience=EPOCHS, **options)
    result = decode(adata)
    history, diagnostics = result.history, result.diagnostics
    assert len(history) == EPOCHS
    assert np.isfinite(history.to_numpy(float)).all()
    assert (history["failed"] == 0).all()
    loss = history["loss"].to_numpy()
    lowest = np.minimum.accumulate(loss)
    for name, value in {
        "first loss": loss[0],
        "lowest": lowest[-1],
        "last": loss[-1],
        "validation kept": diagnostics["best_validation"][0],
        "largest radius": history["radius"].max(),
        "steps shrunk": int((history["halvings"] > 0).sum()),
    }.items():
        record_property(name, float(value))
    assert loss[-1] < 2 * lowest[-1], "the last epoch must not have left the valley"
    assert lowest[-1] < loss[0]
    assert np.minimum.accumulate(history["validation"].to_numpy())[-1] == diagnostics["best_validation"][0]
    assert (diagnostics["status"] == 0).all()
    assert (diagnostics["spectral_radius"] < 1).all()
    for values in (result.A, result.b, *(np.asarray(v) for v in result.kinetics.values())):
        assert np.isfinite(values).all()
