import dataclasses
import hashlib
import io
import logging
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import pooch
import pytest

from scclamp._errors import InputWarning, StorageError
from scclamp.datasets._download import cache_folder, fetch
from scclamp.datasets._registry import Member

FIRST_USE = "nobody publishes its checksum"


@pytest.fixture(autouse=True)
def _alone(cache, waits):
    """Every test here has a cache of its own and waits for nobody."""


def _sha256(content):
    return hashlib.sha256(content).hexdigest()


def _left(cache):
    return sorted(p.name for p in cache.iterdir() if not p.name.endswith(".lock"))


def _archive(server, *, known=True, content=None, inside="norman/x.h5ad"):
    """Make the server hand out a zip archive, and say what is wanted from it."""
    if content is None:
        file = io.BytesIO()
        with h5py.File(file, "w") as store:
            store["x"] = [1, 2, 3]
        content = file.getvalue()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("norman/x.h5ad", content)
    server.body = buffer.getvalue()
    digest = f"sha256:{_sha256(content)}" if known else None
    member = Member(inside, "x.h5ad", 10**6, digest, "multi" if known else "none")
    return content, server.entry("file", name="x.zip", known=known, member=member)


def test_cache_is_the_named_folder_or_the_systems_own(cache, monkeypatch):
    assert cache_folder() == cache
    monkeypatch.setenv("SCCLAMP_CACHE", "~/data")
    assert cache_folder() == Path.home() / "data"
    monkeypatch.delenv("SCCLAMP_CACHE")
    assert cache_folder() == Path(pooch.os_cache("scclamp"))


def test_known_file_is_fetched_once(server, cache):
    file = server.entry("file")
    for _ in range(3):
        assert fetch(file).read_bytes() == server.body
    assert sum(server.hits.values()) == 1
    assert _left(cache) == ["sets.gmt"]


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_digest_may_be_of_either_kind(server, algorithm):
    digest = f"{algorithm}:{hashlib.new(algorithm, server.body).hexdigest()}"
    assert fetch(dataclasses.replace(server.entry("file"), digest=digest)).read_bytes() == server.body


@pytest.mark.parametrize("damage", [b"", b"SET_A\t\tKLF1\n", b"<html>"])
def test_damaged_cache_is_fetched_again(server, cache, caplog, damage):
    file = server.entry("file")
    fetch(file).write_bytes(damage)
    assert fetch(file).read_bytes() == server.body
    assert server.hits["file/sets.gmt"] == 2
    assert f"sets.gmt is damaged: sha256:{_sha256(damage)}" in caplog.text


def test_good_cache_needs_no_network(server):
    file = server.entry("file")
    fetch(file)
    assert fetch(dataclasses.replace(file, urls=(server.url("broken/x"),))).is_file()
    assert not server.hits["broken/x"]


def test_damaged_cache_without_network_says_so_and_is_kept(server, cache):
    file = server.entry("file")
    fetch(file).write_bytes(b"damaged")
    with pytest.raises(StorageError, match="The copy in the cache is damaged"):
        fetch(dataclasses.replace(file, urls=(server.url("missing/x"),)))
    assert (cache / "sets.gmt").read_bytes() == b"damaged"


def test_message_says_what_to_put_where(server, cache):
    file = server.entry("html_403")
    with pytest.raises(StorageError) as error:
        fetch(file)
    for part in ("sets.gmt could not be downloaded", file.urls[0], str(cache / "sets.gmt"), file.digest, "HTTP 403"):
        assert part in str(error.value)
    assert str(error.value).index(str(cache / "sets.gmt")) < str(error.value).index("HTTP 403"), (
        "what to do comes first"
    )
    assert _left(cache) == []


def test_file_put_by_hand_is_used(server, cache):
    cache.mkdir()
    (cache / "sets.gmt").write_bytes(server.body)
    assert fetch(server.entry("missing")).read_bytes() == server.body
    assert not server.hits


@pytest.mark.parametrize("fault", ["short", "short_unsaid", "wrong", "html", "html_202", "slow", "reset"])
def test_bad_body_never_enters_the_cache(server, cache, fault, impatient):
    with pytest.raises(StorageError):
        fetch(server.entry(fault))
    assert _left(cache) == []


def test_unknown_file_is_trusted_on_first_use_and_shown(server, cache, caplog):
    file = server.entry("file", known=False)
    digest = _sha256(server.body)
    with pytest.warns(InputWarning, match=f"{FIRST_USE}.*sha256:{digest}"):
        path = fetch(file)
    assert (cache / "sets.gmt.sha256").read_text() == f"{digest}  sets.gmt\n"
    assert digest in caplog.text
    with caplog.at_level(logging.INFO, logger="scclamp"):
        caplog.clear()
        assert fetch(file) == path  # a second warning would be an error here
    assert f"sha256:{digest} (checksum: none)" in caplog.text


def test_record_is_what_sha256sum_reads(server, cache):
    with pytest.warns(InputWarning, match=FIRST_USE):
        fetch(server.entry("file", known=False))
    subprocess.run(["sha256sum", "--check", "--quiet", "sets.gmt.sha256"], cwd=cache, check=True)


def test_later_difference_is_an_error(server, cache):
    file = server.entry("file", known=False)
    with pytest.warns(InputWarning, match=FIRST_USE):
        path = fetch(file)
    path.write_bytes(b"SET_A\t\tOTHER\n")
    with pytest.raises(StorageError, match="when it was first trusted"):
        fetch(file)
    assert path.read_bytes() == b"SET_A\t\tOTHER\n"


def test_source_that_changed_since_first_use_is_refused(server, cache):
    file = server.entry("file", known=False)
    with pytest.warns(InputWarning, match=FIRST_USE):
        fetch(file).unlink()
    server.body = b"SET_A\t\tOTHER\n"
    with pytest.raises(StorageError, match=f"gave sha256:{_sha256(server.body)}"):
        fetch(file)
    (cache / "sets.gmt.sha256").unlink()
    with pytest.warns(InputWarning, match=FIRST_USE):
        assert fetch(file).read_bytes() == server.body


def test_unknown_file_put_by_hand_is_trusted_and_shown(server, cache):
    cache.mkdir()
    (cache / "sets.gmt").write_bytes(server.body)
    with pytest.warns(InputWarning, match=f"was found, and {FIRST_USE}"):
        fetch(server.entry("missing", known=False))
    assert not server.hits


@pytest.mark.parametrize("content", [b"<!doctype html><p>no</p>\n", b"", b"SET_A\t\tKL"])
def test_unknown_file_put_by_hand_must_look_like_it(server, cache, content):
    cache.mkdir()
    (cache / "sets.gmt").write_bytes(content)
    with pytest.raises(StorageError, match=r"sets\.gmt (is a web page|is empty|ends within a line)"):
        fetch(server.entry("file", known=False))
    assert _left(cache) == ["sets.gmt"]


def test_record_that_is_no_record_is_named(server, cache):
    cache.mkdir()
    (cache / "sets.gmt.sha256").write_text("half a dig")
    with pytest.raises(StorageError, match="does not hold the digest"):
        fetch(server.entry("file", known=False))


def test_member_is_taken_out_and_verified(server, cache):
    content, file = _archive(server)
    assert fetch(file).read_bytes() == content
    assert _left(cache) == ["x.h5ad", "x.zip"]
    (cache / "x.zip").unlink()
    assert fetch(file).read_bytes() == content
    assert server.hits["file/x.zip"] == 1


def test_replaced_member_is_taken_out_again(server, cache):
    content, file = _archive(server)
    fetch(file).write_bytes(b"replaced")
    assert fetch(file).read_bytes() == content
    assert server.hits["file/x.zip"] == 1


def test_member_of_another_digest_is_refused(server, cache):
    _, file = _archive(server)
    wrong = dataclasses.replace(file, member=dataclasses.replace(file.member, digest=f"sha256:{'0' * 64}"))
    with pytest.raises(StorageError, match=r"'norman/x\.h5ad' in .*x\.zip gave sha256:.* instead of sha256:0000"):
        fetch(wrong)
    assert _left(cache) == ["x.zip"]


def test_unknown_member_is_trusted_on_first_use_and_kept_to_it(server, cache):
    content, file = _archive(server, known=False)
    with pytest.warns(InputWarning, match=FIRST_USE) as found:
        assert fetch(file).read_bytes() == content
    assert len(found) == 2  # the archive and its member
    fetch(file).write_bytes(b"replaced")
    with pytest.raises(StorageError, match="when it was first trusted"):
        fetch(file)


def test_unknown_member_must_be_whole(server, cache):
    _, file = _archive(server, known=False, content=b"no HDF5")
    with (
        pytest.warns(InputWarning, match=FIRST_USE),
        pytest.raises(StorageError, match=r"x\.h5ad.*no whole HDF5 file"),
    ):
        fetch(file)
    assert "x.h5ad" not in _left(cache)


def test_cache_that_cannot_be_made_is_named(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SCCLAMP_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(StorageError, match=r"cannot be written .*SCCLAMP_CACHE"):
        fetch(server.entry("file"))


_RACE = """
import os, sys, warnings
from scclamp.datasets import _download, _registry

warnings.simplefilter("ignore")
digest = sys.argv[2] or None
file = _registry.RemoteFile("sets.gmt", (sys.argv[1],), digest, "single" if digest else "none")
racers = []
for _ in range(8):
    if not (racer := os.fork()):
        status = 1
        try:
            status = 0 if len(_download.fetch(file).read_bytes()) == int(sys.argv[3]) else 2
        finally:
            os._exit(status)
    racers.append(racer)
print([os.waitpid(racer, 0)[1] for racer in racers])
"""


@pytest.mark.stress
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("known", [True, False])
def test_eight_processes_download_once(server, cache, known):
    file = server.entry("late", known=known)
    command = [sys.executable, "-c", _RACE, file.urls[0], file.digest or "", str(len(server.body))]
    race = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert race.stdout.strip() == str([0] * 8), race.stderr
    assert sum(server.hits.values()) == 1
    assert _left(cache) == (["sets.gmt"] if known else ["sets.gmt", "sets.gmt.sha256"])


def test_eight_threads_download_once(server, cache):
    from concurrent.futures import ThreadPoolExecutor

    file = server.entry("late")
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(fetch, [file] * 8))
    assert {path.read_bytes() for path in paths} == {server.body}
    assert sum(server.hits.values()) == 1
