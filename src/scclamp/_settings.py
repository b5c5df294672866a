"""What a user sets once for a session: how much is said, where it runs, how much memory it may take."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, get_args

from scclamp._arguments import require_choice
from scclamp._errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

Verbosity = Literal["error", "warning", "info", "debug"]
Progress = Literal["auto", "on", "off"]

_LEVELS: dict[str, int] = {name: getattr(logging, name.upper()) for name in get_args(Verbosity)}


class _Stderr(logging.Handler):
    """Writes to what is standard error now, unless the application listens and shows messages itself."""

    def emit(self, record: logging.LogRecord) -> None:
        logger: logging.Logger | None = logging.getLogger("scclamp")
        while logger is not None:
            if any(not isinstance(handler, logging.NullHandler | _Stderr) for handler in logger.handlers):
                return
            logger = logger.parent if logger.propagate else None
        sys.stderr.write(f"{self.format(record)}\n")


_STDERR = _Stderr()
_STDERR.setFormatter(logging.Formatter("%(name)s: %(message)s"))


class Settings:
    """Settings of the session; assign to an attribute to change it.

    There are `verbosity`, `progress`, `device`, `max_memory` and `mixed_precision`. The last makes encoders in single precision
    on a CUDA device read cells in bfloat16, which is faster and less exact; states of a fit, gradients and probes keep their
    precision, and on the CPU nothing changes.

    The only logger that is ever touched is `scclamp`, and only when `verbosity` is assigned: its messages then go to standard
    error, unless the application has handlers of its own.

    Examples
    --------
    >>> import scclamp as sc_c
    >>> sc_c.settings.progress
    'auto'
    >>> with sc_c.settings.override(progress="off", max_memory=2.0):
    ...     sc_c.settings.max_memory
    2.0
    """

    __slots__ = ("_device", "_max_memory", "_mixed_precision", "_progress", "_verbosity")

    def __init__(self) -> None:
        self._verbosity: Verbosity | None = None
        self._progress: Progress = "auto"
        self._device = "cpu"
        self._max_memory = 4.0
        self._mixed_precision = False

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={getattr(self, name)!r}' for name in _NAMES)})"

    @property
    def verbosity(self) -> Verbosity | None:
        """Least severe message that is shown; None, the default, leaves the logger `scclamp` to the application."""
        return self._verbosity

    @verbosity.setter
    def verbosity(self, value: Verbosity | None) -> None:
        if value is not None:
            require_choice("verbosity", value, get_args(Verbosity))
        logger = logging.getLogger("scclamp")
        logger.setLevel(logging.NOTSET if value is None else _LEVELS[value])
        if value is None:
            logger.removeHandler(_STDERR)
        else:
            logger.addHandler(_STDERR)
        self._verbosity = value

    @property
    def progress(self) -> Progress:
        """Draw progress bars always (`on`), never (`off`), or on a terminal and in a notebook (`auto`)."""
        return self._progress

    @progress.setter
    def progress(self, value: Progress) -> None:
        require_choice("progress", value, get_args(Progress))
        self._progress = value

    @property
    def device(self) -> str:
        """Torch device on which fits and predictions run unless a call names another."""
        return self._device

    @device.setter
    def device(self, value: str) -> None:
        kind, _, index = str(value).partition(":")
        require_choice("device", kind, ("cpu", "cuda", "mps"))
        if ":" in str(value) and not index.isdecimal():
            msg = f"device={value!r} has no whole number after the colon. Write for example 'cuda:0'."
            raise InputError(msg)
        self._device = str(value)

    @property
    def max_memory(self) -> float:
        """Gigabytes that the working arrays of one call may take; larger requests are cut into chunks."""
        return self._max_memory

    @max_memory.setter
    def max_memory(self, value: float) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            msg = f"max_memory={value!r} is not a positive number of gigabytes. Give for example 4.0."
            raise InputError(msg)
        self._max_memory = float(value)

    @property
    def mixed_precision(self) -> bool:
        """Whether encoders in single precision on a CUDA device read observations in bfloat16; all else keeps its precision."""
        return self._mixed_precision

    @mixed_precision.setter
    def mixed_precision(self, value: bool) -> None:
        if value not in (True, False):
            msg = f"mixed_precision={value!r} is neither True nor False. Give one of them."
            raise InputError(msg)
        self._mixed_precision = bool(value)

    def show_progress(self) -> bool:
        """Whether a progress bar is to be drawn now."""
        if self._progress == "auto":
            return "ipykernel" in sys.modules or sys.stderr.isatty()
        return self._progress == "on"

    @contextmanager
    def override(self, **changes: object) -> Iterator[None]:
        """Change settings for the length of a `with` block.

        Parameters
        ----------
        changes
            New values by the name of the setting.

        Examples
        --------
        >>> import scclamp as sc_c
        >>> with sc_c.settings.override(verbosity="debug"):
        ...     sc_c.settings.verbosity
        'debug'
        """
        if unknown := sorted(set(changes) - set(_NAMES)):
            msg = f"{unknown[0]!r} is no setting.{did_you_mean(unknown[0], _NAMES)} There are {', '.join(_NAMES)}."
            raise InputError(msg)
        before = {name: getattr(self, name) for name in changes}
        try:
            for name, value in changes.items():
                setattr(self, name, value)
            yield
        finally:
            for name, value in before.items():
                setattr(self, name, value)


_NAMES = ("verbosity", "progress", "device", "max_memory", "mixed_precision")

settings = Settings()
