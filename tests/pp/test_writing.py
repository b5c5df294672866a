"""Writing to `obs`: refused before anything changes."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest

from scclamp._errors import InputError
from scclamp.pp._writing import require_writable, write


@pytest.mark.parametrize("name", ["", "a/b", None, 3])
def test_names_that_no_file_holds(name):
    with pytest.raises(InputError, match=r"added=.* must be a name without '/'"):
        require_writable(ad.AnnData(np.ones((2, 2))), "added", name)


def test_lazy_data_and_views_of_files(tmp_path):
    ad.AnnData(np.ones((3, 2))).write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(InputError, match="cannot be written to a lazy AnnData"):
        require_writable(ad.experimental.read_lazy(tmp_path / "a.h5ad"), "added", "x")
    backed = ad.read_h5ad(tmp_path / "a.h5ad", backed="r")
    require_writable(backed, "added", "x")
    with pytest.raises(InputError, match="cannot be written to a view of a file"):
        require_writable(backed[:2], "added", "x")
    backed.file.close()


def test_the_parent_of_a_view_stays():
    whole = ad.AnnData(np.ones((3, 2)))
    part = whole[1:]
    write(part, {"x": [1, 2]}, {"y": {}})
    assert list(part.obs["x"]) == [1, 2]
    assert "x" not in whole.obs
    assert "y" not in whole.uns
