import runpy
from dataclasses import replace
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from scclamp import _storage
from scclamp._errors import InputError, StorageError
from scclamp._files import read
from scclamp._storage import decode, encode, find_fits, gene_order

pytestmark = pytest.mark.filterwarnings(r"ignore:.*(infer_string|chained_assignment)")
DATA = Path(__file__).parent / "data"
_example = runpy.run_path(str(DATA / "make_golden.py"))
example_adata, example_result, GENES = _example["example_adata"], _example["example_result"], _example["GENES"]


def _plain_adata():
    adata = example_adata()
    for mapping in (adata.uns, adata.varm):
        for key in list(mapping):
            del mapping[key]
    adata.var = adata.var[[]]
    return adata


def _content(adata):
    """Everything `encode` may touch, as comparable values."""
    return (
        {key: np.asarray(value).tobytes() for key, value in adata.varm.items()},
        adata.var.to_dict("list"),
        list(adata.var.columns),
        {key: repr(value) for key, value in adata.uns.items()},
    )


def test_encode_writes_exactly_the_contract():
    adata, result = _plain_adata(), example_result()
    encode(adata, result)
    assert set(adata.varm) == {"clamp_A", "clamp_A_sd"}
    assert list(adata.var.columns) == ["clamp_b", "clamp_regulator"]
    assert list(adata.uns) == ["clamp"]
    assert set(adata.uns["clamp"]) == {
        *("params", "kinetics", "history", "regulators", "regulator_rows", "genes", "control_mean"),
        *("members", "conditions", "diagnostics", "schema_version", "sha256"),
    }
    assert adata.varm["clamp_A"].tobytes() == result.A.tobytes()
    assert adata.var["clamp_regulator"].dtype == bool
    assert adata.var_names[adata.var["clamp_regulator"]].tolist() == ["GENE2", "GENE7"]
    assert isinstance(adata.uns["clamp"]["params"], str)
    assert isinstance(adata.uns["clamp"]["sha256"], str)
    assert adata.uns["clamp"]["schema_version"] == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_decode_gives_back_every_bit(dtype):
    result = example_result(dtype)
    adata = example_adata(result)
    for data in (adata, adata.copy(), adata[:, :], adata[:2], adata[:, :].copy()):
        back = decode(data)
        assert back.digests == result.digests
        assert back.A.dtype == dtype
        assert back.A.tobytes() == result.A.tobytes()
        assert back.params["bound"] == np.inf
        pd.testing.assert_frame_equal(back.history, result.history)


def test_the_fit_shares_no_memory_with_the_result():
    result = example_result()
    adata = example_adata(result)
    before = result.digests
    adata.varm["clamp_A"][:] = 0
    adata.uns["clamp"]["members"]["A"][:] = 0
    adata.uns["clamp"]["conditions"]["train_n"][:] = 0
    assert result.digests == before


def test_two_fits_live_side_by_side_and_a_second_replaces_the_first():
    adata, other = example_adata(), replace(example_result(), b=np.ones(12), A_sd=None)
    encode(adata, other, "second")
    assert find_fits(adata) == ["clamp", "second"]
    assert decode(adata).digests == example_result().digests
    encode(adata, other)
    assert "clamp_A_sd" not in adata.varm
    assert decode(adata).digests == other.digests == decode(adata, "second").digests


def test_genes_in_another_order_decode_to_the_order_of_the_fit():
    adata = example_adata()[:, ::-1]
    result = decode(adata)
    assert result.digests == example_result().digests
    order = gene_order(adata, result)
    assert [result.genes[i] for i in order] == list(adata.var_names)
    np.testing.assert_array_equal(result.A[order], adata.varm["clamp_A"])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda a: a[:, :11].copy(), r"adata has 11 of them: missing 'GENE11'\. Use"),
        (lambda a: a[:, [0, *range(11)]].copy(), "missing 'GENE0', 'GENE1'"),
        (lambda a: _renamed(a, "GENE3", "Gene3"), "missing 'GENE3', new 'Gene3'"),
    ],
)
@pytest.mark.filterwarnings("ignore:Variable names are not unique:UserWarning")
def test_other_genes_are_an_error_that_says_which(change, named):
    with pytest.raises(InputError, match=named):
        decode(change(example_adata()))


def _renamed(adata, old, new):
    adata.var_names = [new if name == old else name for name in adata.var_names]
    return adata


def test_a_missing_fit_is_an_error_that_lists_the_others():
    with pytest.raises(InputError, match=r"key='clamp' is no fit of adata. It holds no fit. Run scclamp.tl.fit"):
        decode(_plain_adata())
    with pytest.raises(InputError, match=r"key='clmp' .*Fits found: 'clamp'"):
        decode(example_adata(), "clmp")


def test_a_concatenation_that_lost_a_fit_is_told_how_to_keep_it():
    adata = example_adata()
    adata.obs_names = [f"c{i}" for i in range(adata.n_obs)]
    halves = [adata[::2].copy(), adata[1::2].copy()]
    for merged, error in (({}, InputError), ({"uns_merge": "same"}, StorageError)):
        with pytest.raises(error, match=r"anndata\.concat keeps a fit with merge='same', uns_merge='same'"):
            decode(anndata.concat(halves, **merged))
    decode(anndata.concat(halves, merge="same", uns_merge="same"))


def _flip(array, bit=0):
    array.view(np.uint8).reshape(-1)[0] ^= 1 << bit


def _flip_text(text, position):
    return text[:position] + chr(ord(text[position]) ^ 1) + text[position + 1 :]


_DAMAGE = {
    "A": lambda a: _flip(a.varm["clamp_A"]),
    "A_sd": lambda a: _flip(a.varm["clamp_A_sd"]),
    "b": lambda a: a.var.isetitem(0, np.nextafter(a.var["clamp_b"].to_numpy(), 9)),
    "clamp_regulator": lambda a: a.var.isetitem(1, ~a.var["clamp_regulator"].to_numpy()),
    "control_mean": lambda a: _flip(a.uns["clamp"]["control_mean"]),
    "genes": lambda a: a.uns["clamp"]["genes"].__setitem__(3, "GENE4"),
    "regulators": lambda a: a.uns["clamp"]["regulators"].__setitem__(2, "HIDDEM"),
    "regulator_rows": lambda a: a.uns["clamp"]["regulator_rows"].__setitem__(2, 5),
    r"kinetics\['K'\]": lambda a: _flip(a.uns["clamp"]["kinetics"]["K"]),
    r"kinetics\['n'\]": lambda a: a.uns["clamp"]["kinetics"].update(n=2),
    r"members\['log_n'\]": lambda a: _flip(a.uns["clamp"]["members"]["log_n"], 7),
    r"conditions\['clamp_mask'\]": lambda a: _flip(a.uns["clamp"]["conditions"]["clamp_mask"]),
    r"diagnostics\['epochs'\]": lambda a: a.uns["clamp"]["diagnostics"].pop("epochs"),
    r"diagnostics\['more'\]": lambda a: a.uns["clamp"]["diagnostics"].update(more=1),
    "history": lambda a: a.uns["clamp"]["history"].isetitem(1, [1.1, 0.0, 0.1]),
    "params": lambda a: a.uns["clamp"].update(params=_flip_text(a.uns["clamp"]["params"], 6)),
    "sha256": lambda a: a.uns["clamp"].update(sha256=a.uns["clamp"]["sha256"][1:]),
    "schema_version": lambda a: a.uns["clamp"].update(schema_version=0),
}


@pytest.mark.parametrize("name", _DAMAGE)
def test_a_changed_bit_is_an_error_that_names_the_field(name):
    adata = example_adata()
    _DAMAGE[name](adata)
    with pytest.raises(StorageError, match=rf"'clamp' is damaged: .*{name}"):
        decode(adata)


@pytest.mark.parametrize("name", ["kinetics", "history", "genes", "members"])
def test_a_missing_field_is_named(name):
    adata = example_adata()
    del adata.uns["clamp"][name]
    with pytest.raises(StorageError, match=name):
        decode(adata)


@pytest.mark.parametrize("name", ["clamp_A", "clamp_A_sd"])
def test_missing_weights_are_named(name):
    adata = example_adata()
    del adata.varm[name]
    with pytest.raises(StorageError, match=r"A"):
        decode(adata)


def test_a_newer_schema_asks_for_an_update():
    adata = example_adata()
    adata.uns["clamp"]["schema_version"] = 2
    with pytest.raises(StorageError, match=r"schema version 2.*Update scclamp"):
        decode(adata)


def test_encode_refuses_other_genes_and_bad_keys():
    adata = example_adata()
    with pytest.raises(InputError, match="var_names"):
        encode(adata[:, ::-1].copy(), example_result())
    with pytest.raises(InputError, match="key_added='a/b'"):
        encode(adata, example_result(), "a/b")


@pytest.mark.parametrize("step", range(5))
@pytest.mark.parametrize("fitted", [True, False])
def test_encode_is_all_or_nothing(monkeypatch, step, fitted):
    adata = example_adata() if fitted else _plain_adata()
    before, set_ = _content(adata), _storage._set
    calls = iter(range(100))

    def failing(mapping, key, value):
        set_(mapping, key, value)
        if next(calls) == step:
            raise MemoryError

    monkeypatch.setattr(_storage, "_set", failing)
    with pytest.raises(MemoryError):
        encode(adata, replace(example_result(), b=np.ones(12), A_sd=None))
    monkeypatch.undo()
    assert _content(adata) == before


def test_encode_into_a_view_leaves_the_parent_alone():
    parent = _plain_adata()
    view = parent[:3]
    encode(view, example_result())
    assert not view.is_view
    assert decode(view).digests == example_result().digests
    assert find_fits(parent) == []
    assert list(parent.varm) == []


def test_encode_into_backed_data(tmp_path):
    _plain_adata().write_h5ad(tmp_path / "screen.h5ad")
    adata = anndata.read_h5ad(tmp_path / "screen.h5ad", backed="r")
    encode(adata, example_result())
    assert decode(adata).digests == example_result().digests
    with pytest.raises(InputError, match=r"adata.to_memory\(\)"):
        encode(adata[:3], example_result())
    adata.file.close()


def test_the_golden_file_of_schema_1_reads_to_known_numbers():
    result = decode(read(DATA / "golden-v1.h5ad"))
    i, j = np.mgrid[:12, :3]
    np.testing.assert_allclose(result.A, np.sin(1.0 + i * 3 + j), rtol=1e-15, atol=1e-16)
    np.testing.assert_allclose(result.b, np.sqrt(np.arange(12)), rtol=1e-15)
    np.testing.assert_allclose(result.members["A"][1], 2 * np.sin(1.0 + i * 3 + j), rtol=1e-15, atol=1e-16)
    assert result.genes == GENES
    assert result.regulators == ("GENE2", "GENE7", "HIDDEN")
    assert result.regulator_rows.tolist() == [2, 7, -1]
    assert result.kinetics["gamma"] == 0.1
    assert result.kinetics["K"].tolist() == [0.3, 1 / 3, np.pi]
    assert result.kinetics["dynamics"] == "hill"
    assert result.params["betas"] == [0.9, 0.999]
    assert result.params["name"] == "α/β"
    assert result.history["epoch"].tolist() == [0, 1, 2]
    assert np.isnan(result.history["loss"][1])
    assert result.history["status"].tolist() == ["ok", "rejected", "ok"]
    assert result.conditions["names"].tolist() == ["control", "GENE2", "GENE2+GENE7", "HIDDEN"]
    assert result.conditions["clamp_values"][2].tolist() == [2.5, 0.1, 0.0]
    assert np.isinf(result.diagnostics["spectral_radius"][3])
    assert result.diagnostics["converged"] is True
