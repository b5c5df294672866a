"""The one room that writes: results to standard output, messages to standard error, and nothing to a pipe that closed."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from scclamp._errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable


def say(text: str) -> None:
    """Write results, which may be piped on, to standard output."""
    _write(sys.stdout, text)


def tell(text: str) -> None:
    """Write a message to standard error."""
    _write(sys.stderr, text)


def say_json(record: Mapping[str, Any]) -> None:
    """Write one JSON object to standard output."""
    say(to_json(record))


def to_json(record: Mapping[str, Any]) -> str:
    """JSON that every reader takes: what is not a finite number is null.

    Examples
    --------
    >>> to_json({"skill": float("nan"), "genes": ("A",)}).split()
    ['{', '"skill":', 'null,', '"genes":', '[', '"A"', ']', '}']
    """
    return json.dumps(_plain(record), indent=2, allow_nan=False)


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table whose columns begin below each other.

    Examples
    --------
    >>> aligned([("A", "first"), ("LONG", "second")])
    ['A     first', 'LONG  second']
    """
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except BrokenPipeError:
        # Whoever reads has read enough (`| head`): the work goes on, so that its files are written.
        _mute(stream)
    except OSError as error:
        _mute(stream)
        raise StorageError(f"The output could not be written ({error}). Send it somewhere else.") from error


def _mute(stream: TextIO) -> None:
    """Let a stream write to nowhere: what it still holds would fail again when the interpreter ends."""
    with contextlib.suppress(io.UnsupportedOperation):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # arrays and scalars of numpy
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
