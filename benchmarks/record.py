"""What a benchmark declares, and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Scale(StrEnum):
    """How much is run: a trial of the code, the figures of RESULTS.md, or those with the long extras."""

    QUICK = "quick"
    NORMAL = "normal"
    FULL = "full"


@dataclass(frozen=True)
class Check:
    """One promise and what was measured.

    Parameters
    ----------
    promise
        What is measured, in words.
    measured
        The figure.
    unit
        Its unit.
    at_most, at_least
        Target; a figure without one is for information.
    """

    promise: str
    measured: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def target(self) -> str:
        """The target in words."""
        if self.at_most is not None:
            return f"<= {self.at_most:g} {self.unit}".strip()
        return f">= {self.at_least:g} {self.unit}".strip() if self.at_least is not None else "-"

    @property
    def met(self) -> str:
        """Whether the target was met; NaN never meets one."""
        if self.at_most is None and self.at_least is None:
            return "-"
        above = self.at_least is None or self.measured >= self.at_least
        below = self.at_most is None or self.measured <= self.at_most
        return "yes" if above and below else "**no**"


@dataclass(frozen=True)
class Table:
    """Rows of the same columns, with a sentence that says how to read them."""

    caption: str
    rows: list[dict[str, object]]


@dataclass(frozen=True)
class Outcome:
    """All that one benchmark found."""

    checks: list[Check] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


@dataclass(frozen=True)
class Benchmark:
    """A benchmark as it stands in the registry.

    Parameters
    ----------
    name
        What the command line calls it.
    title
        Heading in RESULTS.md.
    about
        What is measured and how, for the reader of the figures.
    run
        Measures it at the asked scale.
    """

    name: str
    title: str
    about: str
    run: Callable[[Scale], Outcome]
