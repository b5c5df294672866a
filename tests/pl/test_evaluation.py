import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scclamp._errors import InputError
from scclamp.pl._evaluation import Evaluation


@pytest.mark.parametrize("stored", [None, 3, {"scores": 1, "pairs": 2}])
def test_what_is_no_verdict_says_what_to_run(stored):
    adata = ad.AnnData(np.ones((2, 2)), uns={} if stored is None else {"clamp_evaluation": stored})
    with pytest.raises(InputError, match=r"no verdict uns\['clamp_evaluation'\]\. Call scclamp\.tl\.evaluate"):
        Evaluation.of(adata, None, "clamp", None)


def test_a_verdict_of_an_earlier_version_is_read_under_the_names_of_today():
    scores = pd.DataFrame(
        {"prediction": "network", "metric": pd.Categorical(["r", "r_nonadditive"]), "value": [0.9, 0.4]}
    )
    pairs = pd.DataFrame({"prediction": ["network"], "combination": ["A+B"], "r": [0.9], "r_nonadditive": [0.4]})
    stored = {"scores": scores, "pairs": pairs, "params": {"key": "clamp"}}
    found = Evaluation.of(ad.AnnData(np.ones((2, 2)), uns={"clamp_evaluation": stored}), None, "clamp", None)
    assert found.scores.set_index("metric")["value"].to_dict() == {"r": 0.9, "rho_nonadd": 0.4}
    assert found.pairs["rho_nonadd"].tolist() == [0.4]
    assert list(scores["metric"]) == ["r", "r_nonadditive"], "what is stored stays"
