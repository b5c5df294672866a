"""`scclamp fit` does what the Python calls do, and never leaves a file that was there worse than it was."""

import json
import os

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scclamp as sc_c
from scclamp._storage import decode

# What mudata asks of anndata and pandas, which these have deprecated.
mudata_warns = pytest.mark.filterwarnings(r"ignore:.*(infer_string|chained_assignment|inplace keyword)")
QUICK = ("--epochs", 4, "--seed", 3)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_the_fit_is_that_of_the_python_calls(call, screen_file, fitted, tmp_path):
    before = screen_file.read_bytes()
    done = call("fit", screen_file, "-o", tmp_path / "out.h5ad", *QUICK)
    assert done.code == 0
    found = sc_c.read(tmp_path / "out.h5ad")
    assert decode(found).digests == decode(fitted).digests
    np.testing.assert_array_equal(found.varm["clamp_A"], fitted.varm["clamp_A"])
    assert screen_file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out.h5ad"]


def test_the_summary_says_what_was_recognised_and_what_came_out(call, screen_file, fitted, tmp_path):
    done = call("fit", screen_file, "-o", tmp_path / "out.h5ad", *QUICK, "--top", 2)
    assert "340 cells x 60 genes" in done.out
    assert "14 perturbations and the control" in done.out
    assert "  control: 'control' (60 cells)\n" in done.out
    assert "Network of 8 regulators on 60 genes" in done.out
    top = sc_c.get.top_targets(fitted, "REG05", n=2)
    named = ", ".join(f"{row.target} {row.weight:+.2f}" for row in top.itertuples())
    assert f"  REG05  {named}\n" in done.out
    assert done.out.endswith(f"Wrote {tmp_path / 'out.h5ad'}\n")
    assert done.err == ""


def test_json_is_all_that_standard_output_holds(call, screen_file, fitted, tmp_path):
    done = call("fit", screen_file, "-o", tmp_path / "out.h5ad", *QUICK, "--json", "--progress")
    record = json.loads(done.out)
    assert record["regulators"] == list(fitted.uns["clamp"]["regulators"])
    assert record["labels"].pop("control") == {"control": 60}
    assert record["labels"] == {"column": "perturbation", "read_from": "perturbation", "renamed": {}, "left_out": {}}
    assert (record["n_singles"], record["n_combinations"], record["warnings"]) == (8, 6, [])
    assert record["validation_loss"] == pytest.approx(np.ravel(fitted.uns["clamp"]["diagnostics"]["best_validation"]))
    assert "fit:" in done.err


def test_edges_are_a_table(call, screen_file, fitted, tmp_path):
    call("fit", screen_file, "-o", tmp_path / "out.h5ad", "--edges", tmp_path / "edges.tsv", *QUICK)
    found = pd.read_csv(tmp_path / "edges.tsv", sep="\t")
    pd.testing.assert_frame_equal(found, sc_c.get.adjacency(fitted).assign(latent=False), check_dtype=False)


def test_edges_of_regulators_that_were_not_measured_are_marked(call, tmp_path):
    screen = sc_c.datasets.simulated("tiny")
    sc_c.write(screen[:, screen.var_names != "REG03"].copy(), tmp_path / "panel.h5ad")
    files = ("-o", tmp_path / "out.h5ad", "--edges", tmp_path / "edges.csv")
    done = call("fit", tmp_path / "panel.h5ad", *files, "--unmeasured", "latent", *QUICK)
    assert done.code == 0
    found = pd.read_csv(tmp_path / "edges.csv")
    assert set(found.loc[found["latent"], "regulator"]) == {"REG03"}
    assert not (found.loc[~found["latent"], "regulator"] == "REG03").any()
    assert "genes that were not measured" in done.out.partition("  REG03 ")[0]


def test_settings_reach_the_fit(call, screen_file, tmp_path):
    settings = ("--clamp-values", "knockout", "--encoder", "pca", "--seeds", 2, "--set", "crowding=0.1")
    call("fit", screen_file, "-o", tmp_path / "out.zarr", "--epochs", 3, "--key", "other", *settings)
    params = decode(sc_c.read(tmp_path / "out.zarr"), "other").params
    assert (params["clamp_values"], params["n_members"], params["encoder"]) == ("knockout", 2, "pca")
    assert (params["config"]["crowding"], params["config"]["max_epochs"]) == (0.1, 3)


def test_counts_become_a_panel_first(call, screen_file, tmp_path):
    counts = ("--recipe", "--layer", "counts", "--n-top-genes", "all", "--library-size-key", "n_counts")
    assert call("fit", screen_file, "-o", tmp_path / "out.h5ad", *counts, *QUICK).code == 0
    raw = sc_c.read(screen_file)
    sc_c.pp.perturbations(raw, show=False)
    panel = sc_c.pp.recipe(raw, layer="counts", n_top_genes=None, library_size_key="n_counts")
    sc_c.tl.fit(panel, max_epochs=4, rng=3)
    assert decode(sc_c.read(tmp_path / "out.h5ad")).digests == decode(panel).digests


def test_variable_genes_are_chosen(call, screen_file, tmp_path):
    counts = ("--recipe", "--layer", "counts", "--n-top-genes", 20, "--library-size-key", "n_counts")
    call("fit", screen_file, "-o", tmp_path / "out.h5ad", *counts, *QUICK)
    panel = sc_c.read(tmp_path / "out.h5ad")
    assert panel.var["highly_variable"].sum() == 20
    assert panel.n_vars == (panel.var["highly_variable"] | panel.var["perturbed"]).sum()


def test_counts_without_the_recipe_are_told_of_it(call, screen_file, tmp_path):
    done = call("fit", screen_file, "-o", tmp_path / "out.h5ad", "--layer", "counts")
    assert done.code == 1
    assert "look like counts" in done.err
    adata = sc_c.read(screen_file)
    only = ad.AnnData(adata.layers["counts"], obs=adata.obs, var=adata.var)
    sc_c.write(only, tmp_path / "counts.h5ad")
    done = call("fit", tmp_path / "counts.h5ad", "-o", tmp_path / "out.h5ad")
    assert done.code == 1
    assert "Pass --recipe" in done.err


def test_a_split_is_that_of_pp_split(call, screen_file, tmp_path):
    call("fit", screen_file, "-o", tmp_path / "out.h5ad", "--split", "singles", *QUICK)
    adata = sc_c.read(screen_file)
    sc_c.pp.perturbations(adata, show=False)
    sc_c.pp.split(adata, "singles", rng=3)
    sc_c.tl.fit(adata, split_key="split", max_epochs=4, rng=3)
    assert decode(sc_c.read(tmp_path / "out.h5ad")).digests == decode(adata).digests


@mudata_warns
def test_mudata_goes_in_and_out(call, screen_file, fitted, tmp_path):
    mudata = pytest.importorskip("mudata")
    sc_c.write(mudata.MuData({"rna": sc_c.read(screen_file)}), tmp_path / "screen.h5mu")
    arguments = ("fit", tmp_path / "screen.h5mu", *QUICK)
    assert call(*arguments, "-o", tmp_path / "out.h5mu", "--mod", "rna").code == 0
    found = sc_c.read(tmp_path / "out.h5mu").mod["rna"]
    np.testing.assert_array_equal(found.varm["clamp_A"], fitted.varm["clamp_A"])
    done = call(*arguments, "-o", tmp_path / "none.h5mu")
    assert (done.code, "No --mod" in done.err, "'rna'" in done.err) == (1, True, True)
    done = call(*arguments, "-o", tmp_path / "none.h5ad", "--mod", "rna")
    assert (done.code, ".h5mu or .zarr" in done.err) == (1, True)


def test_an_output_that_exists_is_replaced_only_by_force(call, screen_file, fitted, tmp_path):
    output = tmp_path / "out.h5ad"
    output.write_text("precious")
    done = call("fit", screen_file, "-o", output, *QUICK)
    assert (done.code, done.out) == (1, "")
    assert "--force" in done.err
    assert output.read_text() == "precious"
    assert call("fit", screen_file, "-o", output, "--force", *QUICK).code == 0
    assert decode(sc_c.read(output)).digests == decode(fitted).digests


def test_the_input_is_never_replaced(call, screen_file, tmp_path):
    alias = tmp_path / "alias.h5ad"
    alias.symlink_to(screen_file)
    before = screen_file.read_bytes()
    for output in (screen_file, alias, screen_file.parent / ".." / screen_file.parent.name / screen_file.name):
        done = call("fit", screen_file, "-o", output, "--force", *QUICK)
        assert (done.code, "never replaced" in done.err) == (1, True)
    assert screen_file.read_bytes() == before


def test_a_fit_that_fails_leaves_what_was_there(call, screen_file, monkeypatch, tmp_path):
    output = tmp_path / "out.h5ad"
    output.write_text("precious")

    def fill_the_disk(path, *_, **__):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("anndata.io.write_h5ad", fill_the_disk)
    done = call("fit", screen_file, "-o", output, "--force", *QUICK)
    assert (done.code, "No space left" in done.err, "Wrote" in done.out) == (1, True, False)
    assert contents(tmp_path) == {"out.h5ad": b"precious"}


def test_an_interrupted_fit_leaves_what_was_there(call, screen_file, monkeypatch, tmp_path):
    output = tmp_path / "out.h5ad"
    output.write_text("precious")

    def press_control_c(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("scclamp.tl.fit", press_control_c)
    done = call("fit", screen_file, "-o", output, "--force", *QUICK)
    assert (done.code, done.err) == (130, "scclamp: interrupted\n")
    assert contents(tmp_path) == {"out.h5ad": b"precious"}


def test_a_checkpoint_is_resumed(call, screen_file, fitted, tmp_path):
    run = ("fit", screen_file, "--seed", 3, "--checkpoint", tmp_path / "run")
    call(*run, "--epochs", 2, "-o", tmp_path / "first.h5ad")
    call(*run, "--epochs", 4, "-o", tmp_path / "whole.h5ad")
    np.testing.assert_array_equal(sc_c.read(tmp_path / "whole.h5ad").varm["clamp_A"], fitted.varm["clamp_A"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--perturbation-key", "perturbatoin"],
            "--perturbation-key perturbatoin is not a column of obs. Did you mean",
        ),
        (["--control", "DMSO"], "--control DMSO: 'DMSO' is no label of obs['perturbation']"),
        (["--layer", "scaled"], "--layer scaled is not in layers"),
        (["--split-key", "fold"], "--split-key fold is not a column of obs"),
        (["--mod", "rna"], "Leave out --mod."),
        (["--device", "gpu"], "--device gpu cannot be used"),
        (["--set", "solver=newtn"], "--set solver=newtn is not known. Did you mean 'newton'?"),
        (["--set", "crowdin=1"], "'crowdin' is no setting. Did you mean 'crowding'?"),
        (["--set", "betas=0.9"], "--set betas=0.9: "),
        (["--set", "crowding"], "Write NAME=VALUE."),
        (["--alias", "p53"], "Write OLD=NEW"),
        (["--edges", "edges.txt"], ".csv or .tsv"),
    ],
)
def test_errors_say_what_to_do(call, screen_file, arguments, message, tmp_path):
    done = call("fit", screen_file, "-o", tmp_path / "out.h5ad", *arguments)
    assert done.code == 1
    assert done.err.startswith("scclamp fit: error: ")
    assert message in done.err
    assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "argument --epochs: '0' is no whole number from 1 on"),
        (["--seed", "-1"], "argument --seed"),
        (["--n-top-genes", "most"], "argument --n-top-genes"),
        (["--encoder", "vae"], "invalid choice: 'vae'"),
        (["--split", "cells", "--split-key", "split"], "not allowed with argument"),
        (["--epoch", "3"], "--epoch is no option. Did you mean '--epochs'?"),
        (["another.h5ad"], "another.h5ad is one argument too many"),
    ],
)
def test_what_cannot_be_read_is_a_usage_error(call, screen_file, arguments, message, tmp_path):
    done = call("fit", screen_file, "-o", tmp_path / "out.h5ad", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.endswith("See `scclamp fit --help`.\n")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.h5ad", "does not exist"),
        ("screen.csv", "must end in .h5ad"),
        ("text.h5ad", "is damaged or no .h5ad"),
    ],
)
def test_a_screen_that_cannot_be_read(call, name, message, tmp_path):
    for made in ("screen.csv", "text.h5ad"):
        (tmp_path / made).write_text("a,b\n")
    done = call("fit", tmp_path / name, "-o", tmp_path / "out.h5ad")
    assert (done.code, message in done.err, "path=" in done.err) == (1, True, False)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_refused_before_the_work(call, screen_file, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    done = call("fit", screen_file, "-o", tmp_path / "closed" / "out.h5ad")
    assert (done.code, "may not write" in done.err, done.out) == (1, True, "")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (
            ["--control", "NonTarget_3"],
            "is no label of obs['guide'], the column that looks like the perturbations. Did you mean",
        ),
        (["--control", "NT"], "Its labels that look like controls are 'NonTarget_1', 'NonTarget_2'"),
        (["--split-key", "sample"], "--split-key sample says no split: it has the values 'S1', 'S2'"),
        (["--recipe", "--library-size-key", "sample"], "--library-size-key sample holds no numbers but 'S1', 'S2'"),
    ],
)
def test_a_wrong_column_or_label_is_named_as_it_is(call, argv, message, tmp_path):
    screen = sc_c.datasets.simulated("tiny", n_cells_per_condition=4, n_control_cells=8)
    labels = screen.obs.pop("perturbation").astype(str)
    half = np.arange(len(labels)) % 2
    screen.obs["guide"] = labels.where(labels != "control", [f"NonTarget_{i + 1}" for i in half])
    screen.obs["sample"] = [f"S{i + 1}" for i in half]
    if "--recipe" in argv:
        screen.X = screen.layers["counts"]
    sc_c.write(screen, tmp_path / "screen.h5ad")
    done = call("fit", tmp_path / "screen.h5ad", "-o", tmp_path / "out.h5ad", *argv)
    assert done.code == 1
    assert message in done.err
