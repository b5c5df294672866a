"""All that keeps a screen from a fit in one message, so that one more attempt is enough."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scclamp._errors import InputError
from scclamp.cli._words import to_options

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    import numpy as np

    from scclamp._assignment import Assignment
    from scclamp._columns import Table
    from scclamp._streaming import ValueStats


@dataclass
class _Notes:
    """What was found: problems no fit gets past, and hints that deserve a look in the same go."""

    problems: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    def add(self, check: Callable[[], Any]) -> Any:
        """Run a check and keep its complaint."""
        try:
            return check()
        except InputError as error:
            self.problems.append(str(error))
            return None

    def raise_all(self, options: argparse.Namespace) -> None:
        """Raise what there is as one error; hints alone are warnings."""
        if not self.problems:
            return
        problems, hints = ([to_options(text, options.words) for text in each] for each in (self.problems, self.hints))
        lines = problems
        if len(problems) > 1:
            lines = [f"{len(problems)} problems, all to be solved before a fit:", *(f"  - {each}" for each in problems)]
        if hints:
            lines += ["Worth a look in the same go:", *(f"  - {each}" for each in hints)]
        raise InputError("\n".join(lines))


def look(data: Any, options: argparse.Namespace, mod: str | None) -> None:
    """Refuse a screen with everything that is wrong with it, and with what looks odd beside that.

    Parameters
    ----------
    data
        The screen, its labels brought to one form.
    options
        Those of `scclamp fit`.
    mod
        Modality of a MuData.
    """
    from scclamp._assignment import assign, resolve_unmeasured
    from scclamp._columns import unwrap
    from scclamp._values import peek, require_values

    table, notes = unwrap(data, mod), _Notes()
    adata = table.adata
    stats = notes.add(lambda: peek(adata, options.layer))
    if stats is not None:
        expects: Any = "counts" if options.recipe else "lognorm"
        notes.add(lambda: require_values(adata, options.layer, stats, expects=expects))
    cells = notes.add(lambda: assign(data, mod=mod, split_key=options.split_key, rng=0))
    if cells is not None and options.unmeasured == "error" and options.split is None:
        notes.add(lambda: resolve_unmeasured(cells, adata, "error"))
    # Without a problem the fit warns by itself.
    if notes.problems and cells is not None and stats is not None:
        notes.add(lambda: _add_hints(notes, table, cells, stats, options))
    notes.raise_all(options)


def _add_hints(notes: _Notes, table: Table, cells: Assignment, stats: ValueStats, options: argparse.Namespace) -> None:
    from scclamp._values import problem
    from scclamp.tl._fit_checks import knockout_hint, transcripts_left

    counts = problem(stats, "counts") is None
    if counts and options.library_size_key is None:
        notes.hints += _panel_hint(table, options.layer)
    if options.clamp_values != "singles" or not (counts or problem(stats, "lognorm") is None):
        return
    means = _linear_means(table.adata, cells, options.layer, counts=counts)
    left = transcripts_left(means, [str(gene) for gene in table.adata.var_names], cells.targets)
    if (hint := knockout_hint(left)) is not None:
        notes.hints.append(hint)


def _linear_means(adata: Any, cells: Assignment, layer: str | None, *, counts: bool) -> np.ndarray:
    """Mean expression of each condition on a linear scale."""
    import numpy as np

    from scclamp._source import open_layer
    from scclamp._streaming import grouped_sums, selector

    sums, _ = grouped_sums(open_layer(adata, layer), selector(cells.codes, len(cells.names)))
    n = np.maximum(np.bincount(cells.codes[cells.codes >= 0], minlength=len(cells.names)), 1)[:, None]
    means: np.ndarray = sums / np.maximum(sums.sum(1, keepdims=True), 1e-12) if counts else np.expm1(sums / n)
    return means


def _panel_hint(table: Table, layer: str | None) -> list[str]:
    """The column that knows the library size of a panel, if there is one."""
    from scclamp._source import open_layer
    from scclamp.pp._library import explain_cut, row_sums

    found = explain_cut(table, row_sums(open_layer(table.adata, layer)))
    return [found] if found else []
