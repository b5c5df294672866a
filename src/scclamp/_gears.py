"""GEARS' dictionary of a split, read into conditions of this screen."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from scclamp._errors import InputError, InputWarning, list_some
from scclamp._harmonise import harmonise
from scclamp._keys import CONTROL

_ROLES = ("train", "val", "test")


def read_split_dict(
    split_dict: Mapping[str, Any], names: Collection[str], genes: Collection[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Role, and subgroup where the dictionary says it, of the conditions that occur.

    Parameters
    ----------
    split_dict
        Condition strings under train, val and test; perhaps their groups under test_subgroup and val_subgroup.
    names
        Canonical names of the conditions that occur.
    genes
        Measured and perturbed genes.

    Returns
    -------
    Roles and subgroups by canonical name; the control is not among them.

    Examples
    --------
    >>> given = {"train": ["ctrl", "A+ctrl"], "test": ["B+A"], "test_subgroup": {"combo_seen1": ["B+A"]}}
    >>> read_split_dict(given, ["A", "A+B"], ["A", "B"])
    ({'A': 'train', 'A+B': 'test'}, {'A+B': 'combo_seen1'})
    """
    if not isinstance(split_dict, Mapping) or not {"train", "test", "val"}.intersection(split_dict):
        what = "dictionary" if isinstance(split_dict, Mapping) else type(split_dict).__name__
        msg = f"split_dict= is a {what} that has none of 'train', 'val' and 'test'. Pass GEARS' set2conditions."
        raise InputError(msg)
    found: dict[str, str] = {}
    absent: list[str] = []
    for role in _ROLES:
        for label, name in _canonical(split_dict.get(role, ()), genes).items():
            if name == CONTROL:
                continue
            if found.setdefault(name, role) != role:
                raise InputError(f"split_dict= puts {name!r} in {found[name]!r} and in {role!r}. Take one of them out.")
            absent += [] if name in names else [label]
    roles = {name: role for name, role in found.items() if name in names}
    if not roles:
        raise InputError(f"split_dict= names none of the {len(names)} conditions, which are {list_some(names)}.")
    _tell(absent, sorted(set(names) - set(roles) - {CONTROL}))
    groups: dict[str, str] = {}
    for key in ("test_subgroup", "val_subgroup"):
        # GEARS keeps the groups of a split in a dictionary of their own, which may be put here whole.
        for group, labels in (split_dict.get(key) or {}).items():
            groups |= dict.fromkeys(_canonical(labels, genes).values(), str(group))
    return roles, {name: group for name, group in groups.items() if name in roles}


def _canonical(labels: Any, genes: Collection[str]) -> dict[str, str]:
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise InputError(
            f"split_dict= holds {labels!r} where a list of conditions belongs. Pass GEARS' set2conditions."
        )
    report = harmonise([str(label) for label in labels], genes=genes)
    report.require_readable("split_dict=")
    return dict(report.mapped)


def _tell(absent: list[str], unplaced: list[str]) -> None:
    if absent:
        msg = f"split_dict= names {len(absent)} conditions without observations here: {list_some(absent)}."
        warnings.warn(msg, InputWarning, stacklevel=4)
    if unplaced:
        msg = f"split_dict= does not name {len(unplaced)} conditions, which get no role: {list_some(unplaced)}."
        warnings.warn(msg, InputWarning, stacklevel=4)
