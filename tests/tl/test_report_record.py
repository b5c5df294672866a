"""Parts of a report that keep it honest and repeatable."""

import json
import re
from html import unescape
from importlib import metadata

import pytest

import scclamp as sc_c
from scclamp._storage import decode
from scclamp.tl._report_record import limits_section, record_section
from scclamp.tl._report_source import Source


def source_of(adata, **arguments):
    sc_c.tl.fit(adata, max_epochs=3, **arguments)
    return Source(adata, decode(adata, "clamp"), None, "clamp", None)


@pytest.fixture(scope="module")
def plain():
    return source_of(sc_c.datasets.simulated("tiny", n_cells_per_condition=60))


def test_few_cells_and_one_member_are_said(plain):
    body = limits_section(plain).body
    assert "n_seeds=5" in body
    assert "fewer than 30" not in body
    labels = plain.adata.obs["perturbation"].astype(str)
    keep = (labels != "REG03") | (labels.groupby(labels).cumcount() < 15)
    body = limits_section(source_of(plain.adata[keep.to_numpy()].copy(), n_seeds=2)).body
    assert "1 perturbations have fewer than 30 training observations (REG03)" in body
    assert "n_seeds=5" not in body


def test_settings_are_those_of_the_fit_and_versions_those_installed(plain):
    body = record_section(plain).body
    (text,) = re.findall(r"<pre>(.*?)</pre>", body, re.DOTALL)
    assert json.loads(unescape(text)) == plain.result.params
    found = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", body))
    assert found["torch"] == metadata.version("torch")
    assert found["anndata"] == metadata.version("anndata")
