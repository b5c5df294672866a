"""A depth is judged by cells whose counts are known."""

import anndata as ad
import numpy as np
import pytest
import torch

from scclamp._errors import InputError
from scclamp.encoders import _scprint_depth
from scclamp.encoders._scprint_depth import require_depth


@pytest.fixture(scope="module")
def cells():
    """Counts of 40 cells, a third of which are of the panel, and their library sizes."""
    rng = np.random.default_rng(0)
    library = np.round(np.exp(rng.normal(9.2, 0.3, 40)))
    share = rng.gamma(0.3, 1.0, 200)
    return rng.poisson(library[:, None] * share / share.sum() / 3), library


def normalised(counts, by, target_sum=1e4, dtype=torch.float32):
    return torch.tensor(np.log1p(counts / by[:, None] * target_sum), dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("target_sum", [1e4, 1e6, 1.0])
def test_library_sizes_pass_and_sums_over_the_panel_do_not(cells, target_sum, dtype):
    counts, library = cells
    x = normalised(counts, library, target_sum, dtype)
    panel = np.median(counts.sum(1))
    for depth in (np.median(library), 0.75 * np.median(library), library.max(), 1e6):
        require_depth(x, depth, target_sum)
    for depth, how in ((panel, "near"), (panel * 1.3, "near"), (panel / 2, "below"), (100, "below")):
        with pytest.raises(InputError, match=rf"depth=.* is {how} the sum over the panel \(\d+ counts.*n_counts_total"):
            require_depth(x, depth, target_sum)


def test_the_message_tells_the_library_size(cells):
    counts, library = cells
    with pytest.raises(InputError) as caught:
        require_depth(normalised(counts, library), 100, 1e4)
    # torch's median of an even number is the lower of the two in the middle.
    said = (np.sort(counts.sum(1))[19], np.sort(library)[19])
    assert f"({said[0]:.0f} counts" in str(caught.value)
    assert f"say is {said[1]:.0f}." in str(caught.value)


def test_cells_normalised_over_the_panel(cells, monkeypatch):
    counts, library = cells
    x = normalised(counts, counts.sum(1))
    with pytest.raises(
        InputError, match=r"x was normalised over the panel.*Normalise by the library size of all genes"
    ):
        require_depth(x, np.median(library), 1e4)
    # What has so many genes is all that was sequenced.
    monkeypatch.setattr(_scprint_depth, "WHOLE", 200)
    require_depth(x, np.median(counts.sum(1)), 1e4)


def test_another_target_sum_is_seen(cells):
    counts, library = cells
    with pytest.raises(InputError, match=r"target_sum=10000 is not what these cells were normalised to.*sums to 3"):
        require_depth(normalised(counts, library, 1e6), np.median(library), 1e4)


def test_a_panel_that_holds_nearly_all_counts_has_nearly_the_depth(cells):
    counts, _ = cells
    require_depth(normalised(counts, counts.sum(1) / 0.9), np.median(counts.sum(1)), 1e4)


def test_states_that_are_no_cells_are_left_alone(cells):
    counts, library = cells
    x = normalised(counts, library)
    for other in (x.mean(0, keepdim=True), x + 0.01, torch.zeros(3, 200), torch.ones(3, 200), x[:0], x[:, :3]):
        require_depth(other, 1.0, 1e4)
    with pytest.raises(InputError):
        require_depth(torch.cat([x.mean(0, keepdim=True).expand(500, -1), x[:3]]), 1.0, 1e4)


def test_a_real_panel(shared_data):
    path = shared_data / "papalexi2021_eccite" / "papalexi2021_eccite_rna_299genes.h5ad"
    if not path.is_file():
        pytest.skip("no screen of Papalexi")
    adata = ad.read_h5ad(path)[::50]
    counts, library = adata.X.toarray().astype(float), adata.obs["response_n_umis"].to_numpy(dtype=float)
    x = normalised(counts, library)
    require_depth(x, np.median(library), 1e4)
    with pytest.raises(InputError, match=r"is near the sum over the panel .* say is 1\d\d\d\d\."):
        require_depth(x, np.median(counts.sum(1)), 1e4)
