import numpy as np

from scclamp.predictors import MeanResponse


def test_every_condition_counts_once(screen, singles, means):
    everything = np.mean([mean for name, mean in means.items() if name != "control"], axis=0)
    np.testing.assert_allclose(MeanResponse().fit(screen).predict([("A", "Z9")])[0], everything)
    alone = np.mean([means[g] for g in "ABCDU"], axis=0)
    np.testing.assert_allclose(MeanResponse().fit(singles).predict([("B",)])[0], alone)
