"""What a check of an encoder found, to read and to work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

_COLUMNS = ("check", "figure", "gene_space", "threshold", "passed", "meaning")
_VERDICTS = {True: "passed", False: "FAILED", None: "undecided"}


@dataclass(frozen=True, eq=False)
class Report:
    """Verdicts on one encoder.

    Parameters
    ----------
    encoder
        Its name.
    table
        One row for each check: `check`, `figure`, the same figure in `gene_space` (NaN where it has none), `threshold`, `passed`
        (None where the data cannot decide), and `meaning`.
    """

    encoder: str
    table: pd.DataFrame

    @classmethod
    def of(cls, encoder: str, rows: Sequence[tuple[Any, ...]]) -> Self:
        """Make a report from rows of the table."""
        import pandas as pd

        return cls(encoder, pd.DataFrame(rows, columns=list(_COLUMNS)).astype({"passed": object}))

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.failures

    @property
    def failures(self) -> list[str]:
        """What each failed check means."""
        failed = [passed is False for passed in self.table["passed"]]
        return [f"{row.check} ({row.figure:.3g}): {row.meaning}" for row in self.table[failed].itertuples()]

    def __str__(self) -> str:
        lines = [
            f"encoder {self.encoder!r}: {'no check failed' if self.passed else f'{len(self.failures)} checks FAILED'}"
        ]
        rows: Any = self.table.itertuples()
        for row in rows:
            beside = "" if row.gene_space != row.gene_space else f"; gene space {row.gene_space:.3g}"
            said = f"{row.figure:.3g} (threshold {row.threshold:.3g}{beside})"
            lines.append(f"  {_VERDICTS[row.passed]:<9} {row.check}: {said}\n            {row.meaning}")
        return "\n".join(lines)
