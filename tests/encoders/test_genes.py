import json
import logging

import numpy as np
import pytest

from scclamp._aliases import RENAMED
from scclamp._errors import InputError
from scclamp.encoders._genes import map_genes

VOCABULARY = {"GATA1": 10, "KLF1": 11, "Klf1": 12, "RACK1": 13, "WARS": 14, "Sox2": 15, "H2AX": 16}


def test_exact_before_case_before_renamed():
    genes = ["gata1", "KLF1", "GNB2L1", "WARS1", "SOX2", "nothing"]
    found = map_genes(genes, VOCABULARY)
    np.testing.assert_array_equal(found.tokens, [10, 11, 13, 14, 15, -1])
    np.testing.assert_array_equal(found.at, [0, 1, 2, 3, 4])
    assert found.renamed == {"gata1": "GATA1", "GNB2L1": "RACK1", "WARS1": "WARS", "SOX2": "Sox2"}
    assert (found.missing, found.ambiguous, found.genes) == (("nothing",), (), tuple(genes))


def test_several_entries_that_differ_by_case_are_ambiguous():
    found = map_genes(["GATA1", "kLf1"], VOCABULARY)
    assert found.ambiguous == ("kLf1",)
    np.testing.assert_array_equal(found.tokens, [10, -1])


def test_genes_that_share_an_entry():
    found = map_genes(["gata1", "Gata1", "KLF1"], VOCABULARY)
    assert found.ambiguous == ("gata1", "Gata1")
    assert map_genes(["gata1", "GATA1"], VOCABULARY).tokens.tolist() == [-1, 10]
    both = map_genes(["GNB2L1", "RACK1"], VOCABULARY)
    assert both.tokens.tolist() == [-1, 13]
    assert both.missing == ("GNB2L1",)


def test_aliases_come_first():
    found = map_genes(["GATA1", "mine", "lost"], VOCABULARY, {"GATA1": "H2AX", "mine": "GATA1", "lost": "not there"})
    assert found.tokens.tolist() == [16, 10, -1]
    assert found.missing == ("lost",)


@pytest.mark.parametrize(("n", "known", "enough"), [(3, 0, False), (3, 1, True), (200, 9, False), (200, 10, True)])
@pytest.mark.parametrize("offset", [0, 1800])
def test_too_few_genes(n, known, enough, offset):
    n, known = (n, known) if not offset else (n + offset, 49 + enough)
    genes = [f"G{i}" for i in range(n)]
    vocabulary = {gene: i for i, gene in enumerate(genes[:known])} | {"other": 10_000}
    if enough:
        assert len(map_genes(genes, vocabulary).at) == known
    else:
        with pytest.raises(InputError, match=f"only {known} of {n} genes are known.*aliases"):
            map_genes(genes, vocabulary)


def test_report_is_logged(caplog):
    with caplog.at_level(logging.INFO, "scclamp"):
        found = map_genes(["gata1", "kLf1", "nothing"], VOCABULARY)
    (record,) = caplog.records
    assert record.message == found.describe()
    for part in ("1 of 3", "gata1 as GATA1", "unknown: 'nothing'", "ambiguous: 'kLf1'"):
        assert part in record.message


def test_repeated_genes_are_refused():
    with pytest.raises(InputError, match="'GATA1' more than once"):
        map_genes(["GATA1", "GATA1"], VOCABULARY)


def test_real_vocabulary(shared_data):
    path = shared_data / "vocabularies" / "scgpt_default_gene_vocab.json"
    if not path.is_file():
        pytest.skip("no vocabulary of scGPT")
    vocabulary = json.loads(path.read_text())
    genes = list(vocabulary)[::100]
    lower = map_genes([gene.lower() for gene in genes], vocabulary)
    np.testing.assert_array_equal(lower.tokens, [vocabulary[gene] for gene in genes])
    one = {old: new for old, new in RENAMED.items() if (old in vocabulary) != (new in vocabulary)}
    assert len(one) > 50
    other = [new if old in vocabulary else old for old, new in one.items()]
    found = map_genes(other, vocabulary)
    assert found.tokens.tolist() == [vocabulary[old if old in vocabulary else new] for old, new in one.items()]
