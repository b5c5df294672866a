import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scclamp._errors import InputError
from scclamp.conditions import Conditions
from scclamp.predictors import Training


def test_shifts_are_differences_to_the_control(screen, means):
    training = Training.of(screen)
    assert training.singles == ("A", "B", "C", "D", "U")
    np.testing.assert_array_equal(training.shifts, [means[g] - means["control"] for g in "ABCDU"])
    assert training.combos == (("A", "B"), ("A", "U"), ("A", "X"), ("B", "C", "D"))
    np.testing.assert_array_equal(training.combo_shifts[3], means["B+C+D"] - means["control"])


def test_only_combinations_of_known_singles_choose(screen, singles):
    training = Training.of(screen)
    assert [training.combos[i] for i in training.choosing] == [("A", "B"), ("A", "U"), ("B", "C", "D")]
    assert training.perturbed == set("ABCDUX")
    assert Training.of(singles).choosing.size == 0


def test_clamped_genes_are_not_free(screen):
    free = Training.of(screen).free([("A", "U"), ("C", "D")])
    assert [list(np.flatnonzero(~row)) for row in free] == [[0], [2, 3]]


def test_norms_leave_out_the_gene_itself(screen, means):
    shift = means["B"] - means["control"]
    norm = np.sqrt(sum(x**2 for i, x in enumerate(shift) if i != 1))
    np.testing.assert_allclose(Training.of(screen).norms()[1], norm)


def test_conditions_without_training_cells_do_not_count():
    obs = pd.DataFrame(
        {"perturbation": ["control", "A", "B", "A+B"], "split": ["train", "train", "val", "test"]}, index=list("wxyz")
    )
    adata = ad.AnnData(np.full((4, 2), 0.5), obs=obs, var=pd.DataFrame(index=["A", "B"]))
    training = Training.of(Conditions.from_anndata(adata, split_key="split"))
    assert (training.singles, training.combos) == (("A",), ())


def test_replicates_are_refused(tiny):
    import scclamp as sc_c

    replicates = Conditions.from_anndata(sc_c.datasets.simulated("tiny"), n_bootstrap=2, rng=0)
    with pytest.raises(InputError, match="2 bootstrap replicates"):
        Training.of(replicates)
