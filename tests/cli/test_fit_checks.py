"""Everything that keeps a screen from a fit is in one message, and a knock-out is told of its flag."""

import anndata as ad
import numpy as np
import pytest

import scclamp as sc_c
from scclamp._assignment import assign
from scclamp.cli._fit_checks import _linear_means
from scclamp.tl._fit_checks import transcripts_left

PAPALEXI = "papalexi2021_eccite/papalexi2021_eccite_rna_299genes.h5ad"


@pytest.fixture
def counts():
    """Raw counts of a panel, some of whose perturbed genes are not measured, and whose transcripts do not change."""
    screen = sc_c.datasets.simulated("tiny")
    counts = screen.layers["counts"].toarray()
    measured = ~screen.var_names.isin(["REG01", "REG02"])
    regulators = screen.var_names.str.startswith("REG")
    rng = np.random.default_rng(0)
    counts[:, regulators] = rng.poisson(8, (len(counts), regulators.sum()))
    panel = ad.AnnData(counts[:, measured], obs=screen.obs[["perturbation"]], var=screen.var[measured][[]])
    panel.obs["total_counts"] = 10 * counts.sum(1)
    return panel


def test_all_problems_are_one_message(call, counts, tmp_path):
    sc_c.write(counts, tmp_path / "screen.h5ad")
    done = call("fit", tmp_path / "screen.h5ad", "-o", tmp_path / "out.h5ad")
    assert done.code == 1
    assert done.err.startswith(
        "scclamp fit: error: 2 problems, all to be solved before a fit:\n  - X holds whole numbers"
    )
    for flag in (
        "Pass --recipe",
        "--unmeasured latent",
        "--unmeasured drop",
        "Pass --library-size-key total_counts",
        "--clamp-values knockout",
    ):
        assert flag in done.err
    assert "'REG01', 'REG02'" in done.err
    assert not (tmp_path / "out.h5ad").exists()


def test_what_the_message_asks_for_is_enough(call, counts, tmp_path):
    sc_c.write(counts, tmp_path / "screen.h5ad")
    flags = ["--recipe", "--n-top-genes", "all", "--library-size-key", "total_counts", "--unmeasured", "latent"]
    fit = ("fit", tmp_path / "screen.h5ad", "-o", tmp_path / "out.h5ad", "--epochs", 2, "--force")
    done = call(*fit, *flags, "--clamp-values", "knockout")
    assert (done.code, done.err) == (0, "")
    done = call(*fit, *flags)
    assert done.code == 0
    assert done.err.startswith("warning: The transcripts of perturbed genes remain: the median of 6 genes is at ")
    assert done.err.count("\n") == 1
    done = call(*fit, *flags[:-2])
    assert (done.code, "2 problems" in done.err, "2 perturbed genes are not among" in done.err) == (1, False, True)


@pytest.mark.parametrize("mode", ["CRISPRa", "CRISPRi"])
def test_genes_that_are_silenced_or_activated_are_no_knockouts(call, mode, tmp_path):
    sc_c.write(sc_c.datasets.simulated("tiny", mode=mode), tmp_path / "screen.h5ad")
    done = call("fit", tmp_path / "screen.h5ad", "-o", tmp_path / "out.h5ad", "--epochs", 2)
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("layer", [None, "counts"])
def test_shares_are_ratios_of_means(layer):
    adata = sc_c.datasets.simulated("tiny")
    labels = adata.obs["perturbation"].astype(str)
    X = adata.to_df(layer)
    means = X.groupby(labels).mean()
    means = means.div(means.sum(axis=1), axis=0) if layer else np.expm1(means)
    genes = [f"REG{i:02d}" for i in range(1, 9)]
    expected = [means.loc[gene, gene] / means.loc["control", gene] for gene in genes]
    cells = assign(adata)
    found = _linear_means(adata, cells, layer, counts=layer is not None)
    np.testing.assert_allclose(transcripts_left(found, list(adata.var_names), cells.targets), expected, rtol=1e-5)


def test_papalexi_is_told_everything_at_once(call, shared_data, tmp_path):
    if not (shared_data / PAPALEXI).is_file():
        pytest.skip(f"no {PAPALEXI}")
    done = call("fit", shared_data / PAPALEXI, "-o", tmp_path / "out.h5ad")
    assert done.code == 1
    for what in (
        "2 problems",
        "Pass --recipe",
        "16 perturbed genes",
        "--unmeasured latent",
        "--library-size-key response_n_umis",
        "--clamp-values knockout",
    ):
        assert what in done.err
