"""Pairs of genes as a table: what a model answered to each probe, and what is known of their edges."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import pandas as pd

from scclamp._edge_tables import PAIR, as_edges
from scclamp._errors import InputError, list_some

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

Form = Literal["origin", "null", "reference"]


@dataclass(frozen=True, eq=False)
class PairFeatures:
    """Answers of a model to probes, for pairs of a source and a target. Pairs of a gene with itself are none.

    Every probe has two forms. Its *origin* is one score, with which pairs are ranked as they are; its *features* are what a
    :class:`Translator` learns from.

    Parameters
    ----------
    sources, targets
        Names of the two genes of each pair (n,).
    features
        Of each probe (n, d).
    scores
        By name and form (n,): `"origin"` of a probe, `"null"` of what needs no model, `"reference"` of other rankings.
    labels
        Whether each pair is an edge of a known network (n,); None before `labelled`.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> slopes = np.array([[[1.0, 1.0], [2.0, 3.0]]])
    >>> pairs = PairFeatures.of(["A"], ["A", "B"], {"gradient": slopes}, {"gradient": np.array([[1.0, 2.5]])})
    >>> pairs.features["gradient"], pairs.scores["gradient", "origin"]
    (array([[2., 3.]]), array([2.5]))
    >>> pairs.labelled(pd.DataFrame({"source": ["A"], "target": ["B"]})).labels
    array([ True])
    """

    sources: NDArray
    targets: NDArray
    features: Mapping[str, NDArray]
    scores: Mapping[tuple[str, str], Floats] = field(default_factory=dict)
    labels: NDArray[np.bool] | None = None

    def __post_init__(self) -> None:
        n = len(self.sources)
        parts = {"targets": self.targets, **{f"features[{k!r}]": v for k, v in self.features.items()}}
        parts |= {f"scores[{k!r}]": v for k, v in self.scores.items()}
        parts |= {} if self.labels is None else {"labels": self.labels}
        if wrong := [f"{name} {np.shape(part)}" for name, part in parts.items() if len(part) != n]:
            raise InputError(f"There are {n} sources, but shapes are {', '.join(wrong)}. Give one row for each pair.")

    @classmethod
    def of(
        cls,
        sources: Sequence[str],
        targets: Sequence[str],
        features: Mapping[str, ArrayLike],
        origins: Mapping[str, ArrayLike] | None = None,
    ) -> Self:
        """Take all pairs of sources and targets, as the probes return them.

        Parameters
        ----------
        sources, targets
            Names of the genes.
        features
            Of each probe (sources, targets, d), or (sources, targets) where it has one feature.
        origins
            Score of each probe (sources, targets).
        """
        # Objects, since arrays of fixed-width text are slow to compare and to count.
        rows, columns = (np.array([str(name) for name in given], object) for given in (sources, targets))
        i, j = (rows[:, None] != columns[None, :]).nonzero()
        answers, origins = ({k: np.asarray(v) for k, v in given.items()} for given in (features, origins or {}))
        for name, array in (*answers.items(), *origins.items()):
            if array.shape[:2] != (len(rows), len(columns)):
                msg = f"{name!r} has shape {array.shape}, but there are {len(rows)} sources and {len(columns)} targets."
                raise InputError(f"{msg} Give what the probe returned for them.")
        made = {name: array[i, j].reshape(len(i), math.prod(array.shape[2:])) for name, array in answers.items()}
        scores: dict[tuple[str, str], Floats] = {
            (name, "origin"): array[i, j].astype(np.float64) for name, array in origins.items()
        }
        return cls(rows[i], columns[j], made, scores)

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def known(self) -> NDArray[np.bool]:
        """Labels, or an error that says where to get them."""
        if self.labels is None:
            raise InputError("The pairs have no labels. Compare them with a known network by labelled(network).")
        return self.labels

    def take(self, keep: NDArray) -> Self:
        """Pairs by mask or position."""
        return replace(
            self,
            sources=self.sources[keep],
            targets=self.targets[keep],
            features={name: values[keep] for name, values in self.features.items()},
            scores={key: values[keep] for key, values in self.scores.items()},
            labels=None if self.labels is None else self.labels[keep],
        )

    def labelled(
        self, network: pd.DataFrame, *, factors: Sequence[str] | None = None, genes: Sequence[str] | None = None
    ) -> Self:
        """Keep the pairs of a factor with another gene of a network, and mark its edges; all others are no edges.

        Parameters
        ----------
        network
            Known edges: `source` (or `regulator`) and `target`, such as the strongest rows of `get.adjacency`; every row is one.
        factors
            Genes of the network that may be sources; by default those that are.
        genes
            Genes of which the network would know an edge; by default those with one, as in BEELINE.
        """
        network = as_edges("network", network)
        known = pd.MultiIndex.from_arrays([np.asarray(network[c], str) for c in PAIR])
        sources, targets = (known.get_level_values(level).unique() for level in (0, 1))
        judged = sources.union(targets) if genes is None else pd.Index(list(genes)).astype(str)
        allowed = sources if factors is None else judged.intersection(list(factors))
        kept = self.take(pd.Index(self.sources).isin(allowed) & pd.Index(self.targets).isin(judged))
        if not len(kept):
            raise InputError(
                f"network has no pair of genes that were asked. It has {list_some(judged)}, and asked were "
                f"{list_some(pd.unique(self.sources))}. Check that they are spelled alike."
            )
        return replace(kept, labels=pd.MultiIndex.from_arrays([kept.sources, kept.targets]).isin(known))

    def with_ranking(self, name: str, ranking: pd.DataFrame, *, form: Form = "null") -> Self:
        """Add a score of another origin, such as a correlation or the weights of a fitted network.

        Parameters
        ----------
        name
            What the tables call it.
        ranking
            `source`, `target` and `score` of all these pairs, and perhaps of more; or the table of `get.adjacency`, which is
            ranked by the size of its weights, whatever their sign.
        form
            `"null"` for what a probe has to beat, `"reference"` for what is only shown.
        """
        table = as_edges(f"ranking {name!r}", ranking, [*PAIR, "score"]).astype(dict.fromkeys(PAIR, str))
        if (twice := table.duplicated(PAIR).to_numpy()).any():
            pair = tuple(table.loc[twice, PAIR].iloc[0])
            raise InputError(f"ranking {name!r} scores the pair {pair} twice. Keep one row for each pair.")
        score = table.set_index(PAIR)["score"]
        found = score.reindex(pd.MultiIndex.from_arrays([self.sources, self.targets])).to_numpy(np.float64)
        if not np.isfinite(found).all():
            at = int(np.flatnonzero(~np.isfinite(found))[0])
            msg = f"ranking {name!r} has no finite score of the pair {(str(self.sources[at]), str(self.targets[at]))}."
            raise InputError(f"{msg} Score every pair, those without evidence by 0.")
        return replace(self, scores={**self.scores, (name, form): found})
