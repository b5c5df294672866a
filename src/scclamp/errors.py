"""Errors and warnings of the package, to catch or to filter by their names."""

from scclamp._errors import (
    ConvergenceWarning,
    InputError,
    InputWarning,
    NonFiniteError,
    ScclampError,
    StorageError,
)

__all__ = ["ConvergenceWarning", "InputError", "InputWarning", "NonFiniteError", "ScclampError", "StorageError"]
