"""Bar 6: kills at random moments, full disks and read-only folders leave the old or the new one, never a part."""

import errno
import os
import runpy
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from scclamp._atomic import recover
from scclamp._files import read
from scclamp._storage import decode

TESTS = Path(__file__).parents[1]
Forks = runpy.run_path(str(TESTS / "_forks.py"))["Forks"]
EXAMPLE = str(TESTS / "data" / "make_golden.py")
pytestmark = [
    pytest.mark.stress,
    pytest.mark.filterwarnings(
        r"ignore:.*(infer_string|chained_assignment|inplace keyword|This setting will be removed)"
    ),
]

_CODE = f"""
import errno, resource, runpy
import anndata.io, numpy as np, zarr.codecs  # what is imported late would be imported in each child
from scclamp._atomic import atomic_path
from dataclasses import replace
from scclamp._errors import StorageError
from scclamp._files import write
example = runpy.run_path({EXAMPLE!r})

def data(version, cells=6):
    adata = example["example_adata"](replace(example["example_result"](), b=np.full(12, float(version))))
    adata = adata[np.arange(cells) % 6].copy()
    adata.obs_names_make_unique()
    adata.X = np.random.default_rng(version).normal(size=adata.shape)
    adata.uns["version"] = version
    return adata

def forever(path, version):
    adata = data(version, 300)
    while True:
        version += 1
        adata.X[:] = version
        adata.uns["version"] = version
        write(adata, path)

def refused(path, limit, user):
    import os, tempfile
    with tempfile.TemporaryDirectory() as folder:
        write(data(0), folder + "/first" + path[-5:])  # what is imported late must be there before rights are given up
    adata = data(2, 20_000)
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    if user:
        os.setuid(user)
    try:
        write(adata, path)
    except StorageError as error:
        if path not in str(error):
            raise
    else:
        raise ValueError("the write went through")

def run(name, *arguments):
    globals()[name](*arguments)

def small(path, version, count):
    for version in range(version + 1, version + 1 + count):
        with atomic_path(path) as temporary:
            temporary.mkdir()
            for part in ("a", "b"):
                (temporary / part).write_text(str(version))

def put(path):
    write(data(1), path)
"""


@pytest.fixture(scope="module")
def forks():
    with Forks(_CODE) as server:
        yield server


def _old_is_whole(path):
    back = read(path)
    assert back.uns["version"] == 1
    assert (decode(back).b == 1).all()
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def _seconds(forks, *arguments):
    """How long a child takes on this machine, so that kills fall before, within and after its first write."""
    start = time.perf_counter()
    assert forks.wait(forks.start(*arguments)) == 0
    return time.perf_counter() - start


@pytest.mark.parametrize("name", ["a.h5ad", "a.zarr"])
def test_200_kills(tmp_path, forks, name, record_property):
    path, rng = tmp_path / name, np.random.default_rng(6)
    longest = 1.5 * max(_seconds(forks, "put", str(path)) for _ in range(3))
    version = 1
    seen = set()
    for _ in range(200):
        pid = forks.start("forever", str(path), version)
        time.sleep(rng.uniform(0, longest))
        assert forks.kill(pid) == 9
        back = read(path)
        assert back.uns["version"] >= version
        version = int(back.uns["version"])
        assert version == 1 or (back.X == version).all()
        decode(back)
        longest *= 1.05 if version in seen else 0.95  # a machine may become slower or faster meanwhile
        seen.add(version)
    record_property("kills", 200)
    record_property("versions seen", len(seen))
    assert len(seen) > 10, "the kills came before the first write ended, so this shows nothing"


def test_200_kills_of_a_small_folder(tmp_path, forks, record_property):
    """Written so fast that many kills fall into the renames, also between the two."""
    path, rng = tmp_path / "a.zarr", np.random.default_rng(6)
    assert forks.wait(forks.start("small", str(path), 0, 1)) == 0
    version, seen = 0, set()
    for _ in range(200):
        pid = forks.start("small", str(path), version, 10**9)
        time.sleep(rng.uniform(0, 0.05))
        assert forks.kill(pid) == 9
        recover(path)
        (said,) = {int((path / part).read_text()) for part in ("a", "b")}
        assert said >= version
        version = said
        seen.add(version)
    record_property("kills", 200)
    record_property("versions seen", len(seen))
    assert len(seen) > 50, "the kills came before the first write ended, so this shows nothing"


@pytest.mark.parametrize("name", ["a.h5ad", "a.zarr"])
@pytest.mark.parametrize("limit", [0, 1, 4096, 50_000, 200_000])
def test_a_file_size_limit_is_a_storage_error(tmp_path, forks, name, limit):
    path = tmp_path / name
    assert forks.wait(forks.start("put", str(path))) == 0
    assert forks.wait(forks.start("refused", str(path), limit or 1000, 0)) == 0
    _old_is_whole(path)


@pytest.mark.parametrize("name", ["a.h5ad", "a.zarr"])
def test_a_full_disk_is_a_storage_error(tmp_path, forks, name):
    disk = tmp_path / "disk"
    disk.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("mounting a small disk is not permitted here")
    try:
        path = disk / name
        assert forks.wait(forks.start("put", str(path))) == 0
        assert forks.wait(forks.start("refused", str(path), 0, 0)) == 0
        _old_is_whole(path)
        with pytest.raises(OSError, match="No space") as full, (disk / "fill").open("wb") as file:
            file.write(b"x" * 2**20)
        assert full.value.errno == errno.ENOSPC
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("name", ["a.h5ad", "a.zarr"])
def test_a_read_only_folder_is_a_storage_error(forks, name):
    """Root may write everywhere, so the child gives up its rights first; pytest's own folders are closed to others."""
    with tempfile.TemporaryDirectory() as top:
        Path(top).chmod(0o711)
        folder = Path(top) / "locked"
        folder.mkdir()
        path = folder / name
        assert forks.wait(forks.start("put", str(path))) == 0
        folder.chmod(0o555)
        nobody = 65534 if os.geteuid() == 0 else 0
        assert forks.wait(forks.start("refused", str(path), 0, nobody)) == 0
        folder.chmod(0o755)
        _old_is_whole(path)
