"""Translators trained on some data sets and asked on the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from scclamp._arguments import read_rng
from scclamp._errors import InputError, list_some
from scclamp.probes._edge_nulls import edge_nulls
from scclamp.probes._edge_splits import apart_from
from scclamp.probes._ensemble import standardised_mean
from scclamp.probes._negatives import sample_negatives
from scclamp.probes._translator import Translator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from scclamp.probes._negatives import Negatives
    from scclamp.probes._pair_features import PairFeatures

    Floats = NDArray[np.float64]

_BOTH = ("gradient", "virtual")
"""Probes that the paper puts together."""
_OF_ONE_MODEL = ("embedding", "shift")
"""Probes whose features are axes of a model's own space."""


@dataclass(frozen=True, eq=False)
class Transfer:
    """Scores of the pairs of one data set, by what was learned from others.

    Parameters
    ----------
    train
        Data sets that translators and nulls learned from.
    test
        The data set whose pairs are scored.
    n_train
        Pairs that were learned from.
    pairs
        What is scored, with its labels.
    scores
        By name and form (n,): `"translator"` (log odds), `"origin"`, `"null"` and `"reference"`.
    """

    train: tuple[str, ...]
    test: str
    n_train: int
    pairs: PairFeatures
    scores: dict[tuple[str, str], Floats]


def leave_out(
    data: Mapping[str, PairFeatures],
    *,
    train: Literal["each", "rest"] | Sequence[str] = "each",
    methods: Sequence[str] | None = None,
    negatives: Negatives = "all",
    disjoint: bool = True,
    translator: Translator | None = None,
    rng: int | np.random.Generator | None = None,
) -> list[Transfer]:
    """Train a translator of every probe on some data sets, and let it score the pairs of each other one.

    Labels of a data set are never read while it is the one that is scored. Besides translators, each data set keeps its scores
    that need no training, and gets the nulls of :func:`edge_nulls`. Where there are `"gradient"` and `"virtual"`, there is `"ensemble"`: the mean of the log odds
    of both translators, and of both origins in units of their spread.

    Parameters
    ----------
    data
        Pairs with labels of each data set.
    train
        `"each"` data set alone, as in the paper, `"rest"`, all but the one that is scored, or the names of those to learn from.
    methods
        Probes to train translators of. By default all that every data set has but `"embedding"` and `"shift"`: name those where one and the
        same model read all data sets, since the axes of models that were trained apart have nothing in common.
    negatives
        Which pairs stand against the edges, as in :func:`sample_negatives`, in training as in the test.
    disjoint
        Whether pairs with a gene of the data set that is scored are left out of training. Data sets of the same genes need
        `False`: then the nulls tell what names of genes alone are worth.
    translator
        Settings; those of :class:`Translator` by default.
    rng
        Seed or generator.

    Returns
    -------
    One for each set of training data and each other data set, to be judged by :func:`scclamp.metrics.transfer_recovery`.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from scclamp.probes import PairFeatures
    >>> def screen(prefix, rng):
    ...     genes = [f"{prefix}{i}" for i in range(8)]
    ...     slopes = rng.normal(size=(8, 8, 1))
    ...     i, j = (np.abs(slopes[..., 0]) > 1).nonzero()
    ...     network = pd.DataFrame({"source": np.array(genes)[i], "target": np.array(genes)[j]})
    ...     return PairFeatures.of(genes, genes, {"gradient": slopes}, {"gradient": slopes[..., 0]}).labelled(network)
    >>> rng = np.random.default_rng(0)
    >>> found = leave_out({"one": screen("A", rng), "two": screen("B", rng)}, rng=0)
    >>> [(each.train, each.test) for each in found]
    [(('one',), 'two'), (('two',), 'one')]
    """
    settings = Translator() if translator is None else translator
    root = read_rng(rng)
    # One stream for each data set, so that its pairs are the same wherever it is used.
    seeds = dict(zip(data, root.integers(2**63, size=len(data)), strict=True))
    chosen = {name: sample_negatives(pairs, negatives, rng=seeds[name]) for name, pairs in data.items()}
    names = _methods(chosen, methods)
    found = []
    for sources, test in _splits(list(data), train):
        parts = [chosen[name] for name in sources]
        if disjoint:
            genes = {name: (chosen[name].sources, chosen[name].targets) for name in (*sources, test)}
            keep = apart_from(genes, [test])
            _require_pairs([keep[name] for name in sources], sources, test)
            parts = [chosen[name].take(keep[name]) for name in sources]
        scores: dict[tuple[str, str], Floats] = dict(chosen[test].scores)
        for name in names:
            learned = _trained(settings, parts, name, root)
            scores[name, "translator"] = learned.logits(chosen[test].features[name])
        scores |= _together(scores)
        scores |= {(name, "null"): values for name, values in edge_nulls(parts, chosen[test]).items()}
        found.append(Transfer(sources, test, sum(map(len, parts)), chosen[test], scores))
    return found


def _splits(names: list[str], train: str | Sequence[str]) -> list[tuple[tuple[str, ...], str]]:
    if len(names) < 2:
        raise InputError(f"data holds {list_some(names) or 'nothing'}. Give two data sets at least.")
    if train == "each":
        return [((one,), other) for one in names for other in names if other != one]
    if train == "rest":
        return [(tuple(n for n in names if n != one), one) for one in names]
    given = (train,) if isinstance(train, str) else tuple(train)
    if unknown := [name for name in given if name not in names]:
        raise InputError(f"train: {list_some(unknown)} is not there. Use 'each', 'rest' or some of {list_some(names)}.")
    if not given or not set(names) - set(given):
        raise InputError(f"train={train!r} leaves no data set on one side. Name some of {list_some(names)}.")
    return [(given, name) for name in names if name not in given]


def _require_pairs(kept: list[NDArray[np.bool_]], sources: tuple[str, ...], test: str) -> None:
    if not any(keep.any() for keep in kept):
        raise InputError(
            f"disjoint=True: every pair of {list_some(sources)} has a gene that {test!r} has too, so none is left to learn from. Where "
            "one name means different genes, as in simulated screens, rename them in each data set; otherwise pass disjoint=False "
            "and compare with the null 'gene identity', or divide one data set by gene_disjoint."
        )


def _methods(data: Mapping[str, PairFeatures], asked: Sequence[str] | None) -> list[str]:
    """Probes that every data set has, with as many features everywhere."""
    shared = [m for m in next(iter(data.values())).features if all(m in pairs.features for pairs in data.values())]
    names = [m for m in shared if m not in _OF_ONE_MODEL] if asked is None else list(asked)
    for name in names:
        if name not in shared:
            raise InputError(f"methods: {name!r} is not there in every data set, only {list_some(shared)}.")
        widths = {key: pairs.features[name].shape[1] for key, pairs in data.items()}
        if len(set(widths.values())) > 1:
            raise InputError(
                f"methods: {name!r} has {widths} features. Ask with as many values everywhere, or leave it out."
            )
    return names


def _trained(settings: Translator, parts: list[PairFeatures], method: str, rng: np.random.Generator) -> Translator:
    """A translator of the pairs of several data sets; pairs of one source, in whichever of them, are held out together."""
    features = np.concatenate([part.features[method] for part in parts])
    labels = np.concatenate([part.known for part in parts])
    sources = np.concatenate([np.asarray(part.sources, object) for part in parts])
    return replace(settings).fit(features, labels, groups=pd.factorize(sources)[0], rng=rng)


def _together(scores: Mapping[tuple[str, str], Floats]) -> dict[tuple[str, str], Floats]:
    found = {}
    for form in ("origin", "translator"):
        both = [scores[name, form] for name in _BOTH if (name, form) in scores]
        if len(both) == len(_BOTH):
            # The mean of log odds ranks as probes.mean_logit does, and tells apart what is all but certain.
            found["ensemble", form] = standardised_mean(both) if form == "origin" else np.mean(both, axis=0)
    return found
