import anndata as ad
import numpy as np
import pytest

from scclamp._errors import InputError
from scclamp.pl._evaluation import Evaluation


@pytest.mark.parametrize("stored", [None, 3, {"scores": 1, "pairs": 2}])
def test_what_is_no_verdict_says_what_to_run(stored):
    adata = ad.AnnData(np.ones((2, 2)), uns={} if stored is None else {"clamp_evaluation": stored})
    with pytest.raises(InputError, match=r"no verdict uns\['clamp_evaluation'\]\. Call scclamp\.tl\.evaluate"):
        Evaluation.of(adata, None, "clamp", None)
