import collections
import json

import pytest
import safetensors.torch
import torch

from scclamp._errors import InputError, StorageError
from scclamp.encoders._weights import fit_state, load_checkpoint, load_tensors, read_json


class Custom:
    """Stands for what only code can rebuild."""


@pytest.fixture
def tensors():
    generator = torch.Generator().manual_seed(0)
    return {"a.weight": torch.randn(2, 3, generator=generator), "a.bias": torch.randn(2, generator=generator)}


@pytest.mark.parametrize("kind", ["plain", "ordered", "state_dict", "model_state_dict", "safetensors"])
def test_all_kinds_of_files(tensors, tmp_path, kind):
    file = tmp_path / "best_model.pt"
    if kind == "safetensors":
        file = tmp_path / "model.safetensors"
        safetensors.torch.save_file(tensors, file)
    elif kind == "plain":
        torch.save(tensors, file)
    elif kind == "ordered":
        torch.save(collections.OrderedDict(tensors), file)
    else:
        torch.save({kind: tensors, "hyper_parameters": {"d_model": 4, "genes": ["a"]}}, file)
        assert load_checkpoint(file)["hyper_parameters"] == {"d_model": 4, "genes": ["a"]}
    found = load_tensors(file)
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


def test_code_is_never_run(tmp_path):
    torch.save({"state_dict": {"a": torch.ones(1)}, "extra": Custom()}, tmp_path / "x.pt")
    with pytest.raises(StorageError, match="could run code: it is refused"):
        load_tensors(tmp_path / "x.pt")


@pytest.mark.parametrize("name", ["x.pt", "x.safetensors"])
@pytest.mark.parametrize("cut", [0, 40, -40])
def test_damaged_files(tensors, tmp_path, name, cut):
    file = tmp_path / name
    (safetensors.torch.save_file if name.endswith("safetensors") else torch.save)(tensors, file)
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(StorageError, match=r"path=.*(cannot be read|is refused)"):
        load_tensors(file)


@pytest.mark.parametrize("content", [[torch.ones(1)], {}, {"epoch": 3, "a": torch.ones(1)}])
def test_files_without_weights(tmp_path, content):
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(StorageError, match=r"it holds (a list|no weights by name, but (nothing|epoch, a))"):
        load_tensors(tmp_path / "x.pt")


def test_missing_files(tmp_path):
    (tmp_path / "near.pt").touch()
    with pytest.raises(StorageError, match=r"is no file\. Its folder holds near\.pt"):
        load_tensors(tmp_path / "x.pt")
    with pytest.raises(StorageError, match="Nor is its folder"):
        load_tensors(tmp_path / "no" / "x.pt")


def test_json(tmp_path):
    file = tmp_path / "args.json"
    file.write_text(json.dumps({"embsize": 4}))
    assert read_json(file) == {"embsize": 4}
    file.write_bytes(b"\xff{")
    with pytest.raises(StorageError, match="it is no JSON"):
        read_json(file)
    with pytest.raises(StorageError, match="is no file"):
        read_json(tmp_path)


def test_weights_come_to_their_place(tensors):
    named = {f"module.{name}": value for name, value in tensors.items()} | {"module.head.weight": torch.ones(7)}
    module = torch.nn.ModuleDict({"b": torch.nn.Linear(3, 2)}).double()
    fit_state(module, named, {r"^module\.": "", r"^a\.": "b."}, ["head."])
    torch.testing.assert_close(module["b"].weight, tensors["a.weight"].double())
    torch.testing.assert_close(module["b"].bias, tensors["a.bias"].double())


def test_every_problem_is_named_and_nothing_changes(tensors):
    module = torch.nn.ModuleDict({"a": torch.nn.Linear(3, 4), "c": torch.nn.Linear(1, 1, bias=False)})
    before = {name: value.clone() for name, value in module.state_dict().items()}
    named = {**tensors, "a.bias": torch.ones(4), "head.weight": torch.ones(1), "old.bias": torch.ones(4)}
    with pytest.raises(InputError, match="do not fit ModuleDict") as caught:
        fit_state(module, named, {r"^old\.": "a."})
    for problem in (
        r"'a.weight' is (2, 3), not (4, 3)",
        "'c.weight' is missing",
        "'head.weight' is left",
        "'a.bias' is there twice",
    ):
        assert problem in str(caught.value)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_very_many_problems_are_counted():
    with pytest.raises(InputError, match="and 8 more"):
        fit_state(torch.nn.Identity(), {f"x{i}": torch.ones(1) for i in range(20)})


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_what_stands_before_all_names_is_left_out(tensors, tmp_path, prefix):
    torch.save({f"{prefix}{name}": value for name, value in tensors.items()}, tmp_path / "x.pt")
    assert load_tensors(tmp_path / "x.pt").keys() == tensors.keys()
    some = {"module.a": tensors["a.bias"], "b": tensors["a.bias"]}
    torch.save(some, tmp_path / "x.pt")
    assert load_tensors(tmp_path / "x.pt").keys() == some.keys()


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_no_numbers_are_refused(tensors, value):
    tensors["a.weight"][1, 2] = value
    module = torch.nn.ModuleDict({"a": torch.nn.Linear(3, 2)})
    with pytest.raises(InputError, match=r"'a.weight' holds NaN or infinity"):
        fit_state(module, tensors)
    assert module["a"].weight.isfinite().all()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_is_cut_off_says_so_and_not_that_it_runs_code(tensors, tmp_path, zipped):
    file = tmp_path / "x.pt"
    torch.save(tensors, file, _use_new_zipfile_serialization=zipped)
    whole = file.read_bytes()
    for size in (60, len(whole) - 30):
        file.write_bytes(whole[:size])
        with pytest.raises(StorageError, match=rf"cannot be read: it is cut off or damaged, at {size} bytes"):
            load_tensors(file)
    file.write_bytes(b"hello world")
    with pytest.raises(StorageError, match=r"cannot be read: (it is cut off|torch.save did not write it)"):
        load_tensors(file)
