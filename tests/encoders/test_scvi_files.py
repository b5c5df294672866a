"""Trained scVI models from memory and from what scvi-tools saves."""

import json
import shutil
import sys

import numpy as np
import pytest
import torch

from scclamp._errors import InputError, StorageError
from scclamp.encoders._scvi_files import Trained


@pytest.fixture(scope="module")
def saved(trained_scvi, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scvi") / "model"
    trained_scvi.save(folder)
    return folder


@pytest.fixture
def edited(saved, tmp_path):
    """Save a model whose file was changed by a function."""

    def edit(change):
        content = torch.load(saved / "model.pt", weights_only=False)
        change(content)
        torch.save(content, tmp_path / "model.pt")
        return tmp_path

    return edit


def same(one, other):
    a, b = one.module.state_dict(), other.module.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_memory_and_disk_agree(trained_scvi, saved, untouched_rng):
    with untouched_rng():
        one, other = Trained.of(trained_scvi), Trained.read(saved)
    assert same(one, other)
    assert repr(one.module) == repr(other.module)
    assert one.genes == other.genes == tuple(trained_scvi.adata.var_names)
    assert one.batches == other.batches == ("p", "q", "r")


def test_the_file_of_a_trained_model_holds_tables(saved):
    names = torch.serialization.get_unsafe_globals_in_checkpoint(saved / "model.pt")
    assert "pandas.DataFrame" in names  # or else nothing is shown by reading it


@pytest.mark.parametrize(
    "options",
    [
        {"use_observed_lib_size": False, "dispersion": "gene-batch"},
        {"batch_representation": "embedding", "batch_embedding_kwargs": {"embedding_dim": 3}, "n_layers": 2},
        {"setup": {"size_factor_key": "size", "labels_key": "perturbation"}, "dispersion": "gene-label"},
    ],
)
def test_options_come_from_the_file(scvi_model, tmp_path, options):
    model = scvi_model(**options)
    model.save(tmp_path / "model")
    found = Trained.read(tmp_path / "model")
    assert same(found, Trained.of(model))
    assert repr(found.module) == repr(model.module)
    assert found.module.log_variational == model.module.log_variational


def test_files_with_a_prefix_and_cells(scvi_model, tmp_path):
    model = scvi_model(setup={})
    model.save(tmp_path / "model", prefix="mine_", save_anndata=True)
    found = Trained.read(tmp_path / "model" / "mine_model.pt")
    assert same(found, Trained.of(model))
    assert found.batches == ("0",)
    assert found.batch(None) == found.batch("0") == found.batch(0) == 0
    with pytest.raises(StorageError, match=r"has no model\.pt; there is mine_adata\.h5ad, mine_model\.pt\. .*prefix"):
        Trained.read(tmp_path / "model")


def test_batches_by_name(trained_scvi):
    trained = Trained.of(trained_scvi)
    assert [trained.batch(name) for name in "pqr"] == [0, 1, 2]
    for name in (None, "s", 0):
        with pytest.raises(InputError, match=f"batch={name!r} is not one of the 3 batches of the model, 'p', 'q', 'r'"):
            trained.batch(name)


def test_models_that_are_no_lens(scvi_model, tmp_path):
    import scvi

    with pytest.raises(InputError, match=r"model=Linear is no scvi\.model\.SCVI"):
        Trained.of(torch.nn.Linear(2, 2))
    linear = scvi_model(of=scvi.model.LinearSCVI)
    with pytest.raises(InputError, match="model=LinearSCVI is no"):
        Trained.of(linear)
    linear.save(tmp_path / "linear")
    with pytest.raises(InputError, match="model is a LinearSCVI, no SCVI"):
        Trained.read(tmp_path / "linear")
    model = scvi_model()
    model.module = linear.module
    with pytest.raises(InputError, match="model holds a LDVAE"):
        Trained.of(model)


@pytest.mark.parametrize(
    ("setup", "kind"),
    [
        ({"categorical_covariate_keys": ["batch"]}, "categorical"),
        ({"continuous_covariate_keys": ["percent"]}, "continuous"),
    ],
)
def test_covariates_are_refused(scvi_model, tmp_path, setup, kind):
    model = scvi_model(setup=setup)
    with pytest.raises(InputError, match=f"trained with 1 {kind} covariates beside its batches"):
        Trained.of(model)
    model.save(tmp_path / "model")
    with pytest.raises(InputError, match=f"trained with 1 {kind} covariates beside its batches"):
        Trained.read(tmp_path / "model")


def test_models_that_are_not_trained(scvi_model, tmp_path):
    model = scvi_model()
    model.is_trained = False
    model.save(tmp_path / "model")
    for make in (lambda: Trained.of(model), lambda: Trained.read(tmp_path / "model")):
        with pytest.raises(InputError, match="has not been trained"):
            make()


def test_genes_that_are_there_twice(edited):
    def twice(content):
        names = content["attr_dict"]["registry_"]["field_registries"]["X"]["state_registry"]["column_names"]
        names[1] = names[0]

    with pytest.raises(InputError, match="'GENE0001' more than once"):
        Trained.read(edited(twice))


def test_options_that_would_run_code(scvi_model, tmp_path):
    model = scvi_model(extra_encoder_kwargs={"activation_fn": torch.nn.SiLU})
    model.save(tmp_path / "model")
    with pytest.raises(
        StorageError, match=r"holds extra_encoder_kwargs\.activation_fn=SiLU.*SCVI\.load and pass the model"
    ):
        Trained.read(tmp_path / "model")
    assert Trained.of(model).module is model.module


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda c: c["model_state_dict"].pop("px_r"), InputError, "'px_r' is missing"),
        (lambda c: c["model_state_dict"].update(more=torch.ones(1)), InputError, "'more' is left over"),
        (
            lambda c: c["attr_dict"].pop("registry_"),
            StorageError,
            "no model that scvi-tools saved \\(KeyError\\('registry_'",
        ),
        (lambda c: c.pop("attr_dict"), StorageError, "no model that scvi-tools saved \\(KeyError\\('attr_dict'"),
        (
            lambda c: c["attr_dict"]["init_params_"]["non_kwargs"].update(n_heads=3),
            StorageError,
            r"saved by scvi-tools \d.*cannot build it.*n_heads",
        ),
        (
            lambda c: c["attr_dict"]["init_params_"]["non_kwargs"].update(n_hidden=17),
            InputError,
            r"is \(16, 63\), not \(17, 63\)",
        ),
    ],
    ids=["missing", "left over", "registry", "attributes", "option", "size"],
)
def test_files_that_do_not_fit(edited, change, error, message):
    with pytest.raises(error, match=message):
        Trained.read(edited(change))


def test_files_of_another_kind(tmp_path, saved):
    with pytest.raises(StorageError, match=r"has no model\.pt; there is nothing"):
        Trained.read(tmp_path / "nowhere")
    (tmp_path / "model.pt").write_text(json.dumps({"a": 1}))
    with pytest.raises(StorageError, match="cannot be read"):
        Trained.read(tmp_path)
    torch.save(torch.ones(3), tmp_path / "model.pt")
    with pytest.raises(StorageError, match="is no model that scvi-tools saved"):
        Trained.read(tmp_path)
    shutil.copy(saved / "model.pt", tmp_path / "model.pt")
    assert len(Trained.read(tmp_path).genes) == 60


def test_numbers_as_names_of_batches(scvi_model, simulated_counts, tmp_path):
    model = scvi_model(setup={"batch_key": "n_genes_perturbed"})
    model.save(tmp_path / "model")
    for trained in (Trained.of(model), Trained.read(tmp_path / "model")):
        assert trained.batches == tuple(map(str, np.unique(simulated_counts.obs["n_genes_perturbed"])))
        assert trained.batch(1) == trained.batch("1") == 1


def test_scvi_tools_may_not_be_there(monkeypatch, saved):
    monkeypatch.setitem(sys.modules, "scvi", None)
    with pytest.raises(InputError, match=r"needs scvi-tools\. Install scclamp\[scvi\]"):
        Trained.read(saved)
