"""Which conditions of a screen train, validate and test; cells are not looked at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scclamp._errors import InputError, did_you_mean, list_some

Targets = Mapping[str, tuple[str, ...]]
"""Gene set of each condition but the control."""
TRAIN, VAL, TEST = "train", "val", "test"
_DRAWS = 200


@dataclass(frozen=True)
class Share:
    """How much is held out.

    Parameters
    ----------
    test, val
        Share that tests and that validates, in [0, 1].
    names
        What tests, by name, instead of a draw.
    """

    test: float = 0.2
    val: float = 0.0
    names: tuple[str, ...] | None = None

    def draw(self, pool: Sequence[str], what: str, rng: np.random.Generator, keep: int) -> tuple[set[str], set[str]]:
        """Draw names to test and to validate, so that at least `keep` are left.

        Examples
        --------
        >>> test, val = Share(test=0.5, val=0.25).draw(list("abcd"), "letters", np.random.default_rng(0), 1)
        >>> len(test), len(val), test & val
        (2, 1, set())
        """
        n_val = _count(self.val, len(pool))
        n_test = _count(self.test, len(pool)) if self.names is None else len(set(self.names))
        if self.names is not None:
            unknown = [name for name in self.names if name not in set(pool)]
            if unknown or not self.names:
                hint = did_you_mean(unknown[0], pool) if unknown else ""
                msg = f"test={list(self.names)!r} names {list_some(unknown) or 'nothing'}, but can only name {what}.{hint}"
                raise InputError(f"{msg} There are {len(pool)}: {list_some(pool) or 'none'}.")
        elif not pool:
            raise InputError(f"This split holds out {what}, and there are none. Take another kind of split.")
        elif not n_test:
            raise InputError(f"test_fraction={self.test!r} of {len(pool)} {what} tests nothing. {_ENOUGH}")
        if n_test + n_val + keep > len(pool):
            msg = (
                f"test_fraction={self.test!r} and val_fraction={self.val!r} need {n_test} {what} to test, {n_val} to validate "
                f"and at least {keep} to train, but there are {len(pool)}. {_ENOUGH}"
            )
            raise InputError(msg)
        order = [str(name) for name in rng.permutation(sorted(pool))]
        test = set(order[:n_test] if self.names is None else self.names)
        return test, set([name for name in order if name not in test][:n_val])


_ENOUGH = "Change the fractions, or take another kind of split."


def _count(fraction: float, n: int) -> int:
    return 0 if fraction == 0 or not n else max(1, int(np.rint(fraction * n)))


def singles_of(targets: Targets) -> list[str]:
    """Genes perturbed alone, sorted."""
    return sorted(genes[0] for genes in targets.values() if len(genes) == 1)


def composable(targets: Targets) -> list[str]:
    """Combinations each of whose genes is also perturbed alone, sorted.

    Examples
    --------
    >>> composable({"A": ("A",), "B": ("B",), "A+B": ("A", "B"), "A+C": ("A", "C")})
    ['A+B']
    """
    singles = set(singles_of(targets))
    return sorted(name for name, genes in targets.items() if len(genes) > 1 and singles.issuperset(genes))


def subgroups(targets: Targets, roles: Mapping[str, str]) -> dict[str, str]:
    """How much of each condition that does not train was seen: GEARS' names, for sets of any size.

    A gene is seen when it is perturbed alone in training.

    Examples
    --------
    >>> targets = {"A": ("A",), "B": ("B",), "A+B": ("A", "B")}
    >>> subgroups(targets, {"A": "train", "B": "test", "A+B": "test"})
    {'A': '', 'B': 'unseen_single', 'A+B': 'combo_seen1'}
    """
    seen = {genes[0] for name, genes in targets.items() if len(genes) == 1 and roles.get(name) == TRAIN}

    def group(name: str) -> str:
        if roles.get(name) not in (VAL, TEST):
            return ""
        genes = targets[name]
        if len(genes) > 1:
            return f"combo_seen{len(seen.intersection(genes))}"
        return "seen_single" if seen.issuperset(genes) else "unseen_single"

    return {name: group(name) for name in targets}


def by_genes(targets: Targets, test: Collection[str], val: Collection[str] = ()) -> dict[str, str]:
    """Hold out every condition that touches a gene.

    Examples
    --------
    >>> by_genes({"A": ("A",), "B": ("B",), "A+B": ("A", "B")}, test={"B"})
    {'A': 'train', 'B': 'test', 'A+B': 'test'}
    """

    def role(genes: tuple[str, ...]) -> str:
        if not set(genes).isdisjoint(test):
            return TEST
        return TRAIN if set(genes).isdisjoint(val) else VAL

    return {name: role(genes) for name, genes in targets.items()}


def hold_out_singles(targets: Targets, share: Share, rng: np.random.Generator) -> dict[str, str]:
    """Hold out genes perturbed alone, with the combinations that hold them."""
    return by_genes(targets, *share.draw(singles_of(targets), "single-gene conditions", rng, 1))


def hold_out_genes(targets: Targets, share: Share, rng: np.random.Generator) -> dict[str, str]:
    """Hold out genes altogether, so that singles and combinations of unseen genes alone are tested."""
    genes = sorted({gene for genes in targets.values() for gene in genes})
    needs = ["unseen_single", *(["combo_seen0"] if any(len(g) > 1 for g in targets.values()) else [])]

    def attempt() -> dict[str, str]:
        return by_genes(targets, *share.draw(genes, "perturbed genes", rng, 1))

    return _until(attempt, targets, needs, share.names is None)


def hold_out_combinations(targets: Targets, share: Share, rng: np.random.Generator, *, rest: str) -> dict[str, str]:
    """Hold out combinations of genes that are all perturbed alone; other combinations get the role `rest`."""
    pool = composable(targets)
    test, val = share.draw(pool, "combinations with all genes perturbed alone", rng, 0)
    roles = {name: TRAIN if len(genes) == 1 or name in pool else rest for name, genes in targets.items()}
    return roles | dict.fromkeys(test, TEST) | dict.fromkeys(val, VAL)


def by_seen(targets: Targets, share: Share, seen: Sequence[int], rng: np.random.Generator) -> dict[str, str]:
    """Hold out genes, and some combinations of the others, as GEARS' simulation split does.

    Parameters
    ----------
    targets
        Gene sets.
    share
        Share of the genes, and of the combinations of seen genes.
    seen
        Numbers of seen genes that must occur among the tested combinations; 2 and more of a fully seen one.
    rng
        Draws.
    """
    singles = singles_of(targets)
    sizes = {len(genes) for genes in targets.values()}
    partial = [n for n in seen if n < 2 or any(n < size for size in sizes - {n})]
    needs = [f"combo_seen{n}" for n in seen]
    if not composable(targets):
        msg = f"seen={tuple(seen)!r} needs combinations of genes that are also perturbed alone, and there are none. {_ENOUGH}"
        raise InputError(msg)

    def attempt() -> dict[str, str]:
        genes: set[str] = set()
        if partial:
            genes, _ = share.draw(singles, "single-gene conditions", rng, 1)
        roles = by_genes(targets, genes)
        whole = sorted(name for name in composable(targets) if roles[name] == TRAIN)
        if any(n >= 2 for n in seen) and whole:
            roles |= dict.fromkeys(share.draw(whole, "combinations of seen genes", rng, 0)[0], TEST)
        return roles

    return _until(attempt, targets, needs, True)


def _until(
    attempt: Callable[[], dict[str, str]], targets: Targets, needs: Sequence[str], again: bool
) -> dict[str, str]:
    """Draw until every group that is needed has a tested condition."""
    missing: list[str] = []
    for _ in range(_DRAWS if again else 1):
        roles = attempt()
        found = {group for name, group in subgroups(targets, roles).items() if roles[name] == TEST}
        missing = [need for need in needs if need not in found]
        if not missing:
            return roles
    n_singles = len(singles_of(targets))
    n_combinations = sum(len(genes) > 1 for genes in targets.values())
    msg = (
        f"The split has 0 conditions of {list_some(missing)} in {_DRAWS if again else 1} draws from {n_singles} single genes, "
        f"{n_combinations} combinations, {len(composable(targets))} of which have all genes perturbed alone. "
        "Change test_fraction, ask for less in seen=, or take another kind of split."
    )
    raise InputError(msg)
