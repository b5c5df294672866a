"""BEELINE's reference networks, transcription factors and, where it is there, expression."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import anndata as ad
import numpy as np
import pandas as pd

from scclamp._arguments import require_choice
from scclamp._errors import InputError, StorageError, list_some
from scclamp.datasets._download import digest_of
from scclamp.datasets._gmt import read_text

if TYPE_CHECKING:
    import os

_CELL_TYPES = ("hESC", "hHEP", "mDC", "mESC", "mHSC-E", "mHSC-GM", "mHSC-L")
_NETWORKS = ("STRING", "Non-Specific", "Specific", "Lofgof")
_SPECIES = {"h": "human", "m": "mouse"}
_SUFFIX = ".network.csv"


@dataclass(frozen=True, eq=False)
class ReferenceNetwork:
    """A network of one cell type, and what is needed to judge a ranking by it.

    Parameters
    ----------
    cell_type, network, species
        What was asked for, and `human` or `mouse`.
    edges
        One row for each edge: `source`, `target` and, where the file has one, the `score` of its evidence.
    factors
        Transcription factors of the species, whether or not they have an edge.
    expression
        Cells x genes, normalised and logged by BEELINE, or None where the folder has no such file.
    digests
        SHA-256 of each file that was read, by its place in the folder.
    """

    cell_type: str
    network: str
    species: str
    edges: pd.DataFrame
    factors: tuple[str, ...]
    expression: ad.AnnData | None
    digests: dict[str, str]

    @property
    def genes(self) -> tuple[str, ...]:
        """Genes of the network, sorted."""
        return tuple(sorted({*self.edges["source"], *self.edges["target"]}))


def beeline(
    cell_type: Literal["hESC", "hHEP", "mDC", "mESC", "mHSC-E", "mHSC-GM", "mHSC-L"],
    network: Literal["STRING", "Non-Specific", "Specific", "Lofgof"] = "STRING",
    *,
    path: str | os.PathLike[str],
) -> ReferenceNetwork:
    """Read a network of BEELINE (Pratapa et al., Nature Methods 2020) from a folder of its files.

    Nothing is downloaded, since the per-cell-type files are no publication with a checksum. The folder holds `human-tfs.csv` and `mouse-tfs.csv` (a column `TF`) and, for each cell type, a folder with
    `<network>.network.csv` (columns `Gene1`, `Gene2` and perhaps `Score`) and perhaps `ExpressionData.csv` (genes x cells).
    Every file may be compressed by gzip, with or without `.gz` behind its name.

    Parameters
    ----------
    cell_type
        Folder of the cell type.
    network
        `"STRING"` (functional), `"Non-Specific"` and `"Specific"` (ChIP-seq, of any and of this cell type), or `"Lofgof"` (loss and gain
        of function, mESC only).
    path
        The folder.

    Returns
    -------
    The network: `edges`, `factors`, `expression` (AnnData or None), `genes`, `species` and `digests`. Genes of mouse are in
    capitals, as BEELINE has them.

    Raises
    ------
    StorageError
        When a file is missing or cannot be read; the message says which networks there are.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> reference = sc_c.datasets.beeline("hESC", "STRING", path="beeline")  # doctest: +SKIP
    >>> sc_c.metrics.network_recovery(ranking, reference.edges, factors=reference.factors)  # doctest: +SKIP
    """
    require_choice("cell_type", cell_type, _CELL_TYPES)
    require_choice("network", network, _NETWORKS)
    root = Path(path)
    folder = root / cell_type
    if not folder.is_dir():
        raise StorageError(
            f"path={str(path)!r} has no folder {cell_type!r}. Give the folder that holds those of the cell types."
        )
    species = _SPECIES[cell_type[0]]
    files = {
        "edges": _find(folder, f"{network}{_SUFFIX}", folder),
        "factors": _find(root, f"{species}-tfs.csv", folder),
    }
    edges, factors = _read_edges(files["edges"]), _read_factors(files["factors"])
    expression = None
    if (matrix := _existing(folder, "ExpressionData.csv")) is not None:
        files["expression"], expression = matrix, _read_expression(matrix)
    digests = {file.relative_to(root).as_posix(): digest_of(file) for file in files.values()}
    return ReferenceNetwork(cell_type, network, species, edges, factors, expression, digests)


def _existing(folder: Path, name: str) -> Path | None:
    return next((file for file in (folder / name, folder / f"{name}.gz") if file.is_file()), None)


def _find(folder: Path, name: str, networks: Path) -> Path:
    found = _existing(folder, name)
    if found is None:
        there = sorted({file.name.partition(_SUFFIX)[0] for file in networks.glob(f"*{_SUFFIX}*")})
        known = f"Networks of {networks.name}: {list_some(there)}." if there else f"{networks.name} has no network."
        raise StorageError(f"{folder / name} is no file, with or without .gz. {known}")
    return found


def _table(path: Path, wanted: tuple[str, ...]) -> pd.DataFrame:
    """A table of texts: "NA" and "NAN" are genes here."""
    try:
        table = pd.read_csv(io.StringIO(read_text(path)), dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path} is no table ({error}).") from error
    for column in wanted:
        if column not in table:
            raise InputError(
                f"{path} has no column {column!r} but {list_some(table.columns)}. It is no file of BEELINE's."
            )
        table[column] = table[column].str.strip()
        if (table[column] == "").any():
            row = int(np.flatnonzero(table[column] == "")[0]) + 1
            raise InputError(f"{path} has no {column} in row {row}. Every row needs one.")
    return table


def _read_edges(path: Path) -> pd.DataFrame:
    table = _table(path, ("Gene1", "Gene2")).rename(columns={"Gene1": "source", "Gene2": "target", "Score": "score"})
    if "score" in table:
        score = pd.to_numeric(table["score"], errors="coerce")
        if not np.isfinite(score).all():
            row = int(np.flatnonzero(~np.isfinite(score))[0])
            raise InputError(
                f"{path} has the Score {table['score'].iloc[row]!r} in row {row + 1}. It must be a number."
            )
        table["score"] = score.astype(np.float64)
    return table[[name for name in ("source", "target", "score") if name in table]].drop_duplicates(ignore_index=True)


def _read_factors(path: Path) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_table(path, ("TF",))["TF"]))


def _read_expression(path: Path) -> ad.AnnData:
    try:
        table = pd.read_csv(io.StringIO(read_text(path)), index_col=0, keep_default_na=False, dtype={0: str})
        values = table.to_numpy(np.float32)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise InputError(f"{path} is no table of numbers, genes x cells ({error}).") from error
    genes, cells = table.index.astype(str), table.columns.astype(str)
    if not values.size or not np.isfinite(values).all() or not genes.is_unique:
        raise InputError(f"{path} must hold finite numbers, with one row for each gene. Get it anew.")
    with warnings.catch_warnings():
        # anndata 0.13.4 asks pandas 3 for an option that pandas has deprecated.
        warnings.filterwarnings("ignore", "The 'future.infer_string' option is deprecated", DeprecationWarning)
        return ad.AnnData(values.T.copy(), obs=pd.DataFrame(index=cells), var=pd.DataFrame(index=genes))
