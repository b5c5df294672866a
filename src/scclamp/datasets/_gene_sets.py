"""Gene sets and signed edges against which a network is judged."""

from __future__ import annotations

from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from scclamp._errors import InputError, StorageError, did_you_mean, list_some
from scclamp.datasets._download import digest_of, fetch
from scclamp.datasets._edges import read_collectri, read_trrust
from scclamp.datasets._gmt import read_gmt
from scclamp.datasets._registry import REGISTRY

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    import pandas as pd

_LIBRARIES = ("ChEA_2022", "ENCODE_TF_ChIP-seq_2015", "MSigDB_Hallmark_2020", "Reactome_2022")
_SHIPPED = "lineage_signatures"
_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    **{library: partial(read_gmt, library=library) for library in (*_LIBRARIES, _SHIPPED)},
    "trrust": read_trrust,
    "collectri": read_collectri,
}


def gene_sets(
    name: Literal[
        "ChEA_2022",
        "ENCODE_TF_ChIP-seq_2015",
        "MSigDB_Hallmark_2020",
        "Reactome_2022",
        "lineage_signatures",
        "trrust",
        "collectri",
    ],
    *,
    path: str | os.PathLike[str] | None = None,
) -> pd.DataFrame:
    """Load a library of gene sets, or a network of signed edges, as one tidy table.

    All but the lineage signatures, which are part of scclamp, are downloaded once and verified whenever they are used.
    Nobody publishes checksums of the Enrichr libraries and of TRRUST: those are trusted on first use, with a warning that
    shows the digest, and a later difference is an error.

    The eight lineage signatures are those of appendix J of the paper, with two readings of ours: ARHGDIB for "ARHGDI1B",
    which is no gene, and E2F1 to E2F3 for the E2F factors, which it counts but does not name.

    Parameters
    ----------
    name
        ``"ChEA_2022"``, ``"ENCODE_TF_ChIP-seq_2015"``, ``"MSigDB_Hallmark_2020"`` or ``"Reactome_2022"`` from Enrichr;
        ``"lineage_signatures"``; or the networks ``"trrust"`` (v2, human) and ``"collectri"`` (Zenodo 8192729).
    path
        A file in the layout of that source, plain or gzip, which is read instead; for ``"collectri"`` also what
        ``decoupler.op.collectri().to_csv(path)`` wrote. (That function downloads the same file, but verifies no checksum.) For ``"Reactome_2022"`` that may be any
        release of Reactome's own GMT file.

    Returns
    -------
    DataFrame with one row for each gene of each set, in the order of the file, and the columns

    - `source` (str), the set, without the word Hallmark and without Reactome's identifier, or the factor of an edge,
    - `target` (str), the gene,
    - of ChEA and ENCODE: `regulator` (str, the factor that the term begins with, as the source spells it) and `organism`
      (``"human"``, ``"mouse"``, ``"rat"`` or empty),
    - of Reactome: `identifier` (str),
    - of the networks: `weight` (int64: 1 activates, -1 represses, 0 unknown) and `evidence` (str, PubMed identifiers).
      TRRUST has a row for each mode of an edge, so that a pair may occur with both signs.

    `attrs` holds `name`, `digest` and `checksum_source`.

    Raises
    ------
    StorageError
        When the file cannot be had; the message says what it is called, what it hashes to and where to put it.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> signatures = sc_c.datasets.gene_sets("lineage_signatures")
    >>> signatures.groupby("source")["target"].size().to_dict()["INTERFERON_RESPONSE"]
    47
    """
    if name not in _READERS:
        hint = did_you_mean(str(name), _READERS)
        raise InputError(f"name={name!r} is not known.{hint} Use one of {list_some(_READERS, n=len(_READERS))}.")
    if path is not None and not Path(path).is_file():
        raise StorageError(f"path={str(path)!r} is no file. Give a file in the layout of {name}.")
    if path is None and name == _SHIPPED:
        with resources.as_file(resources.files("scclamp.datasets") / f"{_SHIPPED}.gmt") as shipped:
            return _described(shipped, name, "shipped")
    if path is not None:
        return _described(Path(path), name, "none: a local file")
    entry = REGISTRY[f"gene_sets/{name}"]
    return _described(fetch(entry), name, entry.checksum_source)


def _described(path: Path, name: str, checksum_source: str) -> pd.DataFrame:
    table = _READERS[name](path)
    table.attrs = {"name": name, "digest": digest_of(path), "checksum_source": checksum_source}
    return table
