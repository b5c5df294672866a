"""`tl.report`: everything about a fit on one page, for those who did not make it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scclamp._atomic import atomic_path
from scclamp._columns import unwrap
from scclamp._errors import InputError
from scclamp._keys import DEFAULT_KEY
from scclamp._storage import decode
from scclamp.tl._report_fit import condition_section, fit_section, network_section, screen_section
from scclamp.tl._report_page import page
from scclamp.tl._report_record import limits_section, record_section
from scclamp.tl._report_regulators import regulator_section
from scclamp.tl._report_results import enrichment_section, missing_section, transmission_section, verdict_section
from scclamp.tl._report_source import Source

if TYPE_CHECKING:
    import os

    from anndata import AnnData
    from mudata import MuData

    from scclamp.datasets import ReferenceNetwork

_SECTIONS = (
    verdict_section,
    screen_section,
    regulator_section,
    fit_section,
    network_section,
    condition_section,
    enrichment_section,
    transmission_section,
    missing_section,
    limits_section,
    record_section,
)


def report(
    adata: AnnData | MuData,
    path: str | os.PathLike[str],
    *,
    title: str = "A regulatory network from a Perturb-seq screen",
    reference: ReferenceNetwork | None = None,
    file: str | None = None,
    mod: str | None = None,
    key: str = DEFAULT_KEY,
    overwrite: bool = False,
) -> Path:
    """Write one self-contained page about a fit: verdict, network, diagnostics, settings.

    The page holds what is in `adata`: :func:`scclamp.tl.evaluate`, :func:`scclamp.tl.enrich` and :func:`scclamp.tl.transmission` add their
    parts when they were called before, and below them the page says what was not. Pictures are inside; opening it fetches nothing.

    Parameters
    ----------
    adata
        What `tl.fit` was called on. It stays as it is.
    path
        File to write, with the ending `.html`.
    title
        Heading of the page.
    reference
        A known network; its edges are marked in the picture of the network.
    file
        Name of the file that holds the screen, to be told on the page.
    mod
        Modality of a MuData.
    key
        The `key_added` of the fit.
    overwrite
        Whether a file that is there already is replaced.

    Returns
    -------
    The path.

    Examples
    --------
    >>> import tempfile
    >>> import scclamp as sc_c
    >>> adata = sc_c.datasets.simulated("tiny")
    >>> sc_c.tl.fit(adata, max_epochs=20)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = sc_c.tl.report(adata, f"{folder}/report.html")
    ...     page.read_text(encoding="utf-8").splitlines()[0]
    '<!doctype html>'
    """
    target = _read_path(path, overwrite)
    result = decode(unwrap(adata, mod).adata, key)
    source = Source(adata, result, mod, key, reference, file)
    sections = [section for make in _SECTIONS if (section := make(source)) is not None]
    text = page(title, source.subtitle, sections)
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return target


def _read_path(path: str | os.PathLike[str], overwrite: bool) -> Path:
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"path={str(path)!r} must end in '.html': the report is a page for a browser.")
    if not target.parent.is_dir():
        raise InputError(f"path={str(path)!r} lies in a folder that does not exist. Make '{target.parent}' first.")
    if target.exists() and not overwrite:
        raise InputError(f"path={str(path)!r} exists already. Pass overwrite=True to replace it.")
    return target
