import stat
import zipfile

import pytest

from scclamp._errors import StorageError
from scclamp.datasets._archive import extract
from scclamp.datasets._registry import Member

CONTENT = b"cells" * 1000
MEMBER = Member("norman/perturb_processed.h5ad", "norman.h5ad", len(CONTENT))


def _zip(tmp_path, entries, **options):
    path = tmp_path / "norman.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content, **options)
    return path


def _link(name):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def test_member_is_written_where_we_say(tmp_path):
    path = _zip(tmp_path, [("norman/go.csv", b"x"), (MEMBER.inside, CONTENT)])
    extract(path, MEMBER, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == CONTENT
    assert sorted(p.name for p in tmp_path.iterdir()) == ["norman.zip", "out"]


@pytest.mark.parametrize("name", ["../evil", "norman/../../evil", "/etc/evil", "C:/evil", "..\\evil"])
def test_path_that_leads_out_is_refused(tmp_path, name):
    path = _zip(tmp_path, [(MEMBER.inside, CONTENT), (name, b"evil")])
    with pytest.raises(StorageError, match="leads out of it"):
        extract(path, MEMBER, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["norman.zip"]


def test_member_that_leads_out_is_refused(tmp_path):
    path = _zip(tmp_path, [("../evil", CONTENT)])
    with pytest.raises(StorageError, match="leads out of it"):
        extract(path, Member("../evil", "x", 10**6), tmp_path / "out")


@pytest.mark.parametrize("name", [MEMBER.inside, "norman/other"])
def test_symbolic_link_is_refused(tmp_path, name):
    path = _zip(tmp_path, [(_link(name), "/etc/passwd")])
    with pytest.raises(StorageError, match="a symbolic link"):
        extract(path, MEMBER, tmp_path / "out")


def test_bomb_that_declares_its_size_is_refused_unopened(tmp_path):
    path = _zip(tmp_path, [(MEMBER.inside, bytes(10**8))])
    assert path.stat().st_size < 10**6
    with pytest.raises(StorageError, match=f"more than {MEMBER.limit} bytes"):
        extract(path, MEMBER, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_bomb_that_lies_about_its_size_is_stopped(tmp_path):
    path = _zip(tmp_path, [(MEMBER.inside, bytes(10**7))])
    # the size stands before the name in the directory at the end of the archive
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = content.index(mark) + offset
        content[at : at + 4] = (100).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"damaged|more than"):
        extract(path, MEMBER, tmp_path / "out")
    assert not (tmp_path / "out").exists() or (tmp_path / "out").stat().st_size <= MEMBER.limit


@pytest.mark.parametrize("entries", [[("other/file", b"x")], [("perturb_processed.h5ad", b"x")], []])
def test_member_that_is_not_there_is_named(tmp_path, entries):
    path = _zip(tmp_path, entries)
    with pytest.raises(StorageError, match=r"holds 0 files 'norman/perturb_processed\.h5ad' instead of one"):
        extract(path, MEMBER, tmp_path / "out")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_member_that_is_there_twice_is_refused(tmp_path):
    path = _zip(tmp_path, [(MEMBER.inside, b"one"), (MEMBER.inside, b"two")])
    with pytest.raises(StorageError, match="holds 2 files"):
        extract(path, MEMBER, tmp_path / "out")


@pytest.mark.parametrize("damage", ["truncated", "flipped", "text"])
def test_damaged_archive_is_named(tmp_path, damage):
    path = _zip(tmp_path, [(MEMBER.inside, CONTENT)])
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        content = content[:-30]
    elif damage == "flipped":
        content[60] ^= 255
    else:
        content = b"not a zip"
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"norman\.zip' is damaged"):
        extract(path, MEMBER, tmp_path / "out")


def test_encrypted_member_is_named(tmp_path):
    path = _zip(tmp_path, [(MEMBER.inside, CONTENT)])
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        content[content.index(mark) + offset] |= 1
    path.write_bytes(content)
    with pytest.raises(StorageError, match="damaged or of an unknown kind"):
        extract(path, MEMBER, tmp_path / "out")
