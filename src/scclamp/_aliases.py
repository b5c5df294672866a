"""Renamed gene symbols: one gene, two spellings, and the spelling that the panel uses."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from scclamp._errors import InputError, did_you_mean

_RENAMED = """
    AARS=AARS1 ADCK3=COQ8A ADRBK1=GRK2 APITD1=CENPS ASUN=INTS13 ATP5A1=ATP5F1A ATP5B=ATP5F1B ATP5C1=ATP5F1C
    ATP5D=ATP5F1D ATP5E=ATP5F1E ATP5F1=ATP5PB ATP5H=ATP5PD ATP5J=ATP5PF ATP5O=ATP5PO BRE=BABAM2 C10orf2=TWNK
    C11orf73=HIKESHI C12orf45=NOPCHAP1 C14orf166=RTRAF C16orf80=CFAP20 C19orf26=CBARP C3orf72=FOXL2NB
    C6orf203=MTRES1 C7orf26=INTS15 C9orf114=SPOUT1 CARS=CARS1 CASC5=KNL1 CCDC101=SGF29 CD3EAP=POLR1G CD97=ADGRE5
    CECR1=ADA2 COBRA1=NELFB CTGF=CCN2 CXorf56=STEEP1 CYR61=CCN1 DARS=DARS1 DDX26B=INTS6L EFTUD1=EFL1 ELMSAN1=MIDEAS
    EPRS=EPRS1 ERBB2IP=ERBIN FAM129A=NIBAN1 FAM208A=TASOR FAM46C=TENT5C FAM58A=CCNQ FAM60A=SINHCAF FAM96B=CIAO2B
    GARS=GARS1 GLTSCR2=NOP53 GNB2L1=RACK1 GPR56=ADGRG1 H2AFX=H2AX H2AFZ=H2AZ1 H3F3A=H3-3A H3F3B=H3-3B HARS=HARS1
    HIST1H1C=H1-2 HIST1H4C=H4C3 HRSP12=RIDA IARS=IARS1 ICT1=MRPL58 IKBKAP=ELP1 IL8=CXCL8 INADL=PATJ KARS=KARS1
    KIAA0101=PCLAF KIAA0947=ICE1 KIAA1429=VIRMA KIAA1804=MAP3K21 LARS=LARS1 LEPRE1=P3H1 MARCH5=MARCHF5 MARS=MARS1
    MB21D1=CGAS MINOS1=MICOS10 MKI67IP=NIFK MKL1=MRTFA MKL2=MRTFB MLL=KMT2A MLL3=KMT2C MRP63=MRPL57 MUM1=PWWP3A
    NARFL=CIAO3 NARS=NARS1 NGFRAP1=BEX3 NHP2L1=SNU13 PAPD5=TENT4B PAPD7=TENT4A PARK2=PRKN PCNX=PCNX1 PPP2R4=PTPA
    PVRL2=NECTIN2 QARS=QARS1 RARS=RARS1 RDBP=NELFE RFWD2=COP1 RHOXF2BB=RHOXF2B RQCD1=CNOT9 SARS=SARS1 SELM=SELENOM
    SEPT7=SEPTIN7 SEPT9=SEPTIN9 SETD8=KMT5A SF3B14=SF3B6 SKIV2L=SKIC2 SKIV2L2=MTREX SMEK1=PPP4R3A SSSCA1=ZNRD2
    SUV420H1=KMT5B TARS=TARS1 TCEB1=ELOC TCEB2=ELOB TCEB3=ELOA TH1L=NELFCD TMEM173=STING1 TMEM48=NDC1 TTC37=SKIC3
    TWISTNB=POLR1F UFD1L=UFD1 UTP11L=UTP11 VARS=VARS1 VIMP=SELENOS VPRBP=DCAF1 VWA9=INTS14 WARS=WARS1 WBSCR22=BUD23
    WDR34=DYNC2I2 WDR61=SKIC8 WDR92=DNAAF10 WHSC1=NSD2 WHSC2=NELFA YARS=YARS1 ZCCHC11=TUT4 ZCCHC6=TUT7 ZNF259=ZPR1
    ZNRD1=POLR1H
"""

RENAMED: Mapping[str, str] = dict(pair.split("=") for pair in _RENAMED.split())
"""Current symbol of genes that screens and older annotations name otherwise."""
_SAME = 0.8
"""Least similarity of two spellings of a gene."""


def did_you_mean_gene(name: str, genes: Iterable[str], n: int = 3) -> str:
    """Return `` Did you mean 'A' or 'B'?`` for other spellings of a gene, or an empty string.

    Case, hyphens and renamed symbols come first. Otherwise a near match has the same numbers and the same end behind them: ARID5A and
    ARID1B are no misspellings of ARID1A, but other genes.

    Examples
    --------
    >>> did_you_mean_gene("klf1", ["KLF1", "KLF2"]), did_you_mean_gene("C19orf26", ["CBARP"])
    (" Did you mean 'KLF1'?", " Did you mean 'CBARP'?")
    >>> did_you_mean_gene("GTA1", ["GATA1", "GATA2"]), did_you_mean_gene("ARID1A", ["ARID5A", "ARID1B"])
    (" Did you mean 'GATA1'?", '')
    """
    genes = list(genes)
    other = {RENAMED.get(name)} | {old for old, new in RENAMED.items() if new == name}
    same = [gene for gene in genes if _bare(gene) == _bare(name) or gene in other]
    if same:
        return f" Did you mean {' or '.join(map(repr, same[:n]))}?"
    return did_you_mean(name, [gene for gene in genes if _family(gene) == _family(name)], n, cutoff=_SAME)


def _bare(gene: str) -> str:
    return re.sub(r"[\W_]", "", gene).casefold()


def _family(gene: str) -> tuple[tuple[int, ...], str]:
    """Numbers of a symbol, and what stands behind the last of them."""
    pieces = re.split(r"(\d+)", gene)
    return tuple(map(int, pieces[1::2])), pieces[-1].casefold() if len(pieces) > 1 else ""


@dataclass
class Aliases:
    """Finds the spelling of a gene that a panel uses.

    A gene that is measured under its own name keeps it. Otherwise its other spelling is taken when that one is measured,
    in either direction. When neither is, the built-in table leaves the name alone unless both spellings occur.

    Parameters
    ----------
    panel
        Measured genes.
    given
        Pairs of the user, which come before the table; a value replaces its key unless only the key is measured.
    occurring
        Names in the labels, so that two spellings of an unmeasured gene become one condition.
    """

    panel: Collection[str]
    given: Mapping[str, str] = field(default_factory=dict)
    occurring: Collection[str] = ()

    def __post_init__(self) -> None:
        self._older: dict[str, list[str]] = {}
        for old, new in [*self.given.items(), *((o, n) for o, n in RENAMED.items() if o not in self.given)]:
            self._older.setdefault(new, []).append(old)

    @property
    def symbols(self) -> set[str]:
        """Names that are genes because they are another spelling of a measured gene, or the user says so."""
        both = {*self.given, *self.given.values()}
        for old, new in RENAMED.items():
            if old in self.panel or new in self.panel:
                both |= {old, new}
        return both

    def resolve(self, gene: str) -> str:
        """Spelling to use for a gene.

        Examples
        --------
        >>> Aliases(["CBARP", "KIAA1804"]).resolve("C19orf26"), Aliases(["KIAA1804"]).resolve("MAP3K21")
        ('CBARP', 'KIAA1804')
        >>> Aliases([], {"p53": "TP53"}).resolve("p53"), Aliases([]).resolve("C19orf26")
        ('TP53', 'C19orf26')
        """
        if gene in self.given:
            new = self.given[gene]
            return new if new in self.panel or gene not in self.panel else gene
        if gene in self.panel:
            return gene
        current = RENAMED.get(gene)
        if current is not None and (current in self.panel or current in self.occurring):
            return current
        older = [old for old in self._older.get(gene, ()) if old in self.panel]
        if current is not None:
            # Two older names of one gene, the other of which is measured.
            older += [old for old in self._older.get(current, ()) if old in self.panel and old not in older]
        if len(older) > 1:
            found = " and ".join(map(repr, sorted(older)))
            raise InputError(f"is another name of {found}, which are both measured. Say which in aliases=")
        return older[0] if older else gene
