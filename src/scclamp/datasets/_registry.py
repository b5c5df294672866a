"""Every file that can be downloaded: where it lies, what it must hash to, and who says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ChecksumSource = Literal["multi", "single", "none"]
"""`multi`: several independent sources name the digest; `single`: one does; `none`: trusted on first use."""
_SCPERTURB = ("https://zenodo.org/records/13350497/files/{}?download=1",)
_SCPERTURB_OLD = ("https://zenodo.org/records/10044268/files/{}?download=1",)
_PERTPY = "https://exampledata.scverse.org/pertpy/{}"
_DATAVERSE = "https://dataverse.harvard.edu/api/access/datafile/{}"
_ENRICHR = "https://maayanlab.cloud/Enrichr/geneSetLibrary?mode=text&libraryName={}"


@dataclass(frozen=True)
class Member:
    """The file that is wanted from a zip archive.

    Parameters
    ----------
    inside
        Path in the archive.
    name
        Name in the cache.
    limit
        Most bytes it may unpack to; exactly its size where that is known.
    digest, checksum_source
        As in :class:`RemoteFile`.
    """

    inside: str
    name: str
    limit: int
    digest: str | None = None
    checksum_source: ChecksumSource = "none"


@dataclass(frozen=True)
class RemoteFile:
    """A file to download.

    Parameters
    ----------
    name
        Name in the cache.
    urls
        Mirrors, tried in order.
    digest
        `md5:...` or `sha256:...`; None when nobody publishes one.
    checksum_source
        Who vouches for the digest.
    size
        Bytes, where known.
    member
        What is wanted from inside, if the file is a zip archive.
    """

    name: str
    urls: tuple[str, ...]
    digest: str | None = None
    checksum_source: ChecksumSource = "none"
    size: int | None = None
    member: Member | None = None


def _scperturb(
    name: str,
    md5: str,
    source: ChecksumSource,
    *,
    size: int | None = None,
    mirrors: tuple[str, ...] = _SCPERTURB + _SCPERTURB_OLD,
) -> RemoteFile:
    file = f"{name}.h5ad"
    return RemoteFile(file, tuple(url.format(file) for url in mirrors), f"md5:{md5}", source, size)


def _gears(name: str, identifier: int) -> RemoteFile:
    """An archive whose digests nobody publishes."""
    member = Member(f"{name}/perturb_processed.h5ad", f"gears_{name}.h5ad", 40 * 10**9)
    return RemoteFile(f"gears_{name}.zip", (_DATAVERSE.format(identifier),), member=member)


_NORMAN_MEMBER = Member(
    "norman/perturb_processed.h5ad",
    "gears_norman.h5ad",
    2_228_610_012,
    "sha256:23ffb0fac6a847ff927cf7509d80d85052bfefbfb97610786a2dafaaefa0b6a0",
    "multi",
)

REGISTRY: dict[str, RemoteFile] = {
    "norman_2019/scperturb": _scperturb(
        "NormanWeissman2019_filtered", "c870e6967d91c017d9da827bab183cd6", "multi", size=698_680_199
    ),
    "norman_2019/gears": RemoteFile(
        "gears_norman.zip",
        (_DATAVERSE.format(6154020),),
        "sha256:c1938353f6f41829c9137f073ecb843ce4d4114528b001b48312b019f739d877",
        "single",
        member=_NORMAN_MEMBER,
    ),
    "adamson_2016/pilot": _scperturb(
        "AdamsonWeissman2016_GSM2406675_10X001", "232f7e3756d41602bbe434b50662a76f", "multi", size=34_557_246
    ),
    "adamson_2016/epistasis": _scperturb(
        "AdamsonWeissman2016_GSM2406677_10X005", "8657391920e7f8b3e6fd52745777002a", "multi", size=139_059_637
    ),
    "adamson_2016/screen": _scperturb(
        "AdamsonWeissman2016_GSM2406681_10X010",
        "2fa44ea61a8dd35742af618638ec65fc",
        "multi",
        size=471_286_951,
        mirrors=(*_SCPERTURB, *_SCPERTURB_OLD, _PERTPY.format("adamson_2016_upr_perturb_seq.h5ad")),
    ),
    "adamson_2016/gears": _gears("adamson", 6154417),
    "papalexi_2021/scperturb": _scperturb(
        "PapalexiSatija2021_eccite_RNA", "d9e8bfe20b0e7b0919be042e8fcf6d03", "single", size=147_215_278
    ),
    # The digests of these two are known for the older of the two records only, so it comes first.
    "replogle_2022_k562/scperturb": _scperturb(
        "ReplogleWeissman2022_K562_essential",
        "d8cba17576d1a8afc0f7d71b79cad0f7",
        "single",
        mirrors=_SCPERTURB_OLD + _SCPERTURB,
    ),
    "replogle_2022_rpe1/scperturb": _scperturb(
        "ReplogleWeissman2022_rpe1",
        "cc7f1ec50aeb3a3e1b4a6cfa713d80fa",
        "single",
        mirrors=_SCPERTURB_OLD + _SCPERTURB,
    ),
    "replogle_2022_k562/gears": _gears("replogle_k562_essential", 7458695),
    "replogle_2022_rpe1/gears": _gears("replogle_rpe1_essential", 7458694),
    **{
        f"gene_sets/{library}": RemoteFile(f"{library}.gmt", (_ENRICHR.format(library),))
        for library in ("ChEA_2022", "ENCODE_TF_ChIP-seq_2015", "MSigDB_Hallmark_2020", "Reactome_2022")
    },
    "gene_sets/trrust": RemoteFile(
        "trrust_rawdata.human.tsv", ("https://www.grnpedia.org/trrust/data/trrust_rawdata.human.tsv",)
    ),
    "gene_sets/collectri": RemoteFile(
        "CollecTRI_regulons.csv",
        ("https://zenodo.org/records/8192729/files/CollecTRI_regulons.csv?download=1",),
        "sha256:4473c9189dd53dacc80297709ad1452dda1086a1cc2185f9a56146c261668701",
        "multi",
        4_345_649,
    ),
}
