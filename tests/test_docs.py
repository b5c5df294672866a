"""The code of the how-to pages runs as it is written, from the top of each page to its end; tables say what is so."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import anndata
import pytest
import torch

import scclamp

HOWTO = Path(__file__).parents[1] / "docs" / "howto"
# Blocks in braces, which need a released model or a GPU, are shown and not run.
BLOCK = re.compile(r"^```python\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
PAGES = {path.name: BLOCK.findall(path.read_text(encoding="utf-8")) for path in sorted(HOWTO.glob("*.md"))}


@cache
def ran(name: str) -> dict:
    """Names of a page after its last line."""
    known = {"__name__": f"docs_{Path(name).stem}"}
    for block in PAGES[name]:
        exec(compile(block, name, "exec"), known)
    return known


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", [name for name, blocks in PAGES.items() if blocks])
def test_a_page_runs(name):
    assert ran(name)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_page_on_probes_shows_a_translator_that_found_something():
    known = ran("probes.md")
    learned = known["table"].query("form == 'translator' and method == 'gradient'")
    assert learned["test"].tolist() == ["screen 0", "screen 1", "screen 2"]
    assert (learned["gain_low"] > 0).all()
    assert {name: mask.any() for name, mask in known["keep"].items()} == dict.fromkeys(known["screens"], True)


def test_there_are_pages_with_code():
    assert sum(map(bool, PAGES.values())) >= 4


FIELD = re.compile(r'^(obs|var|varm|layers|uns)\["(\w+)"\]$')


def written_by_the_docs() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Fields of each function, and entries of each dict of `uns`, as docs/api.md has them."""
    text = (HOWTO.parent / "api.md").read_text(encoding="utf-8").partition("## What is written where")[2]
    fields: dict[str, set[str]] = {}
    entries: dict[str, set[str]] = {}
    function = ""
    for line in text.partition("\n## ")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("|") or len(cells) != 3 or not FIELD.match(field := cells[1].strip("`")):
            continue
        function = cells[0].removeprefix("|").strip() or function
        fields.setdefault(function, set()).add(field)
        if field.startswith("uns"):
            entries[field] = set(re.findall(r"`(\w+)`", cells[2]))
    return fields, entries


def fields_of(adata) -> set[str]:
    return {
        f'{slot}["{key}"]' for slot in ("obs", "var", "varm", "layers", "uns") for key in getattr(adata, slot) if key
    }


@pytest.fixture(scope="module")
def written():
    """What every function writes to a tiny screen, by the names that the docs have for it."""
    screen = scclamp.datasets.simulated("tiny")
    obs = screen.obs[["perturbation", "n_counts"]].set_axis(["label", "n_counts"], axis=1)
    adata = anndata.AnnData(screen.layers["counts"], obs=obs, var=screen.var[[]])
    sets = {f"module {j}": list(screen.var_names[screen.varm["true_A"][:, j] != 0]) for j in range(3)}
    W = torch.zeros(adata.n_vars, adata.n_vars, dtype=torch.float64)
    W[0, 5] = 1.0
    found, entries = {}, {}

    def note(name, function, new):
        before = fields_of(adata)
        answer = function()
        after = answer if new else adata
        found[name] = fields_of(after) - (before if "recipe" in name or not new else set())
        for field in found[name]:
            if field.startswith("uns") and isinstance(value := after.uns[FIELD.match(field)[2]], Mapping):
                entries[field] = set(value)
        return answer

    note("`pp.perturbations`", lambda: scclamp.pp.perturbations(adata, key="label", show=False), False)
    recipe = {"n_top_genes": None, "library_size_key": "n_counts"}
    adata = note("`pp.recipe`, in a new AnnData", lambda: scclamp.pp.recipe(adata, **recipe), True)
    tl = scclamp.tl
    few = {"n_cells": 8, "n_seeds": 2, "n_bootstrap": 20}
    for name, function, new in (
        ("`pp.split`", lambda: scclamp.pp.split(adata), False),
        ("`tl.fit`", lambda: tl.fit(adata, max_epochs=2, n_seeds=2), False),
        ("`tl.predict_clamps` of cells", lambda: tl.predict_clamps(adata), False),
        ("`tl.predict_clamps` of conditions, a new AnnData", lambda: tl.predict_clamps(adata, ["REG01"]), True),
        ("`tl.baselines`, a new AnnData", lambda: tl.baselines(adata, predictors=["additive"]), True),
        ("`tl.evaluate`", lambda: tl.evaluate(adata, n_bootstrap=20, refit=False), False),
        ("`tl.enrich`", lambda: tl.enrich(adata, sets, min_size=3, n_top=10), False),
        ("`tl.transmission`", lambda: tl.transmission(adata, ["pca"], **few, rng=0), False),
        ("`tl.probe_grn`", lambda: tl.probe_grn(adata, reconstruct=lambda x: x @ W, sources=["REG01"]), False),
    ):
        note(name, function, new)
    before = fields_of(adata)
    tl.benchmark(adata, "linear_pca")
    tl.probe_features(adata, reconstruct=lambda x: x @ W, sources=["REG01"], rng=0)
    scclamp.get.predictions(tl.predict_clamps(adata, ["REG01"]))
    assert fields_of(adata) == before, "the docs say that these write nothing"
    return found, entries


def test_the_table_of_fields_is_what_is_written(written):
    fields, entries = written_by_the_docs()
    assert fields == written[0]
    assert {field: entries[field] for field in written[1]} == written[1]
