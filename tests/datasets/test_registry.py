import re
from urllib.parse import urlsplit

import pytest

from scclamp.datasets._registry import REGISTRY

ENTRIES = [pytest.param(entry, id=key) for key, entry in REGISTRY.items()]
LENGTHS = {"md5": 32, "sha256": 64}


@pytest.mark.parametrize("entry", ENTRIES)
def test_entry_says_who_vouches_for_its_digest(entry):
    for file in filter(None, (entry, entry.member)):
        assert (file.digest is None) == (file.checksum_source == "none")
        if file.digest is not None:
            algorithm, _, digest = file.digest.partition(":")
            assert re.fullmatch(f"[0-9a-f]{{{LENGTHS[algorithm]}}}", digest)


@pytest.mark.parametrize("entry", ENTRIES)
def test_entry_can_be_downloaded_and_stored(entry):
    assert entry.urls
    for url in entry.urls:
        assert urlsplit(url).scheme == "https"
    for file in filter(None, (entry, entry.member)):
        assert re.fullmatch(r"[\w.-]+", file.name)
    assert (entry.member is not None) == entry.name.endswith(".zip")


def test_names_in_the_cache_are_unique():
    names = [f.name for entry in REGISTRY.values() for f in (entry, entry.member) if f is not None]
    assert len(set(names)) == len(names)


def test_screens_with_a_published_digest_state_it():
    without = {key for key, entry in REGISTRY.items() if (entry.member or entry).digest is None}
    assert {key for key in without if not key.startswith("gene_sets/")} == {
        "adamson_2016/gears",
        "replogle_2022_k562/gears",
        "replogle_2022_rpe1/gears",
    }
