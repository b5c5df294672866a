"""Rankings of translators, probes and nulls on data sets they did not learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scclamp._arguments import read_rng, require_whole
from scclamp._errors import InputError
from scclamp.metrics._bootstrap_ci import FEWEST, tails
from scclamp.metrics._candidates import as_finite
from scclamp.metrics._network_recovery import judge_ranking
from scclamp.metrics._source_resamples import resampled_auprc, resampled_chance, source_counts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scclamp.probes import Transfer


def transfer_recovery(
    transfers: Iterable[Transfer], *, n_boot: int = 500, rng: int | np.random.Generator | None = None
) -> pd.DataFrame:
    """Judge what was scored by :func:`scclamp.probes.leave_out`: every probe beside chance and every null.

    Parameters
    ----------
    transfers
        Scores of data sets that were left out.
    n_boot
        Resamples of the sources for the intervals, which hold 95 %. Pairs of one source are no independent evidence, and with fewer
        than five sources there is no interval (NaN).
    rng
        Seed or generator of the resamples; all methods share them, so that gains are paired.

    Returns
    -------
    One row for each training set, test set, `method` and `form`, the best first:

    - `train` (names joined by +), `test`, `method`, and `form`: `origin`, `translator`, `null` (degrees and names as the *training* data
      have them, so that none is an oracle), `reference`;
    - `auprc`, `auroc`, `precision_top`, and `epr`, early precision divided by chance;
    - `chance`, the share of edges, which is the AUPRC of random scores;
    - `ratio`, a quotient: AUPRC divided by `chance`, 1 for random scores, with `ratio_low` and `ratio_high`;
    - `strongest_null`, the null of the highest AUPRC, `chance` where none is better;
    - `gain`, a difference: AUPRC minus that of the strongest null, 0 for this null itself and below 0 for what it beats, with `gain_low` and
      `gain_high`;
    - `n_edges`, `n_pairs`, `n_sources`, `n_train`.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> import scclamp as sc_c
    >>> from scclamp.probes import PairFeatures, leave_out
    >>> def screen(prefix, rng):
    ...     genes = [f"{prefix}{i}" for i in range(8)]
    ...     slopes = rng.normal(size=(8, 8, 1))
    ...     i, j = (np.abs(slopes[..., 0]) > 1).nonzero()
    ...     network = pd.DataFrame({"source": np.array(genes)[i], "target": np.array(genes)[j]})
    ...     return PairFeatures.of(genes, genes, {"gradient": slopes}, {"gradient": slopes[..., 0]}).labelled(network)
    >>> rng = np.random.default_rng(0)
    >>> found = leave_out({"one": screen("A", rng), "two": screen("B", rng)}, train="one", rng=0)
    >>> table = sc_c.metrics.transfer_recovery(found, rng=0).set_index(["method", "form"])
    >>> bool(table.loc[("gradient", "translator"), "auprc"] > table.loc[("gradient", "origin"), "auprc"])
    True
    """
    generator, n_boot = read_rng(rng), require_whole("n_boot", n_boot)
    rows = [row for transfer in transfers for row in _rows(transfer, n_boot, generator)]
    if not rows:
        raise InputError("transfers is empty. Pass what probes.leave_out returned.")
    return pd.DataFrame(rows)


def _rows(transfer: Transfer, n_boot: int, rng: np.random.Generator) -> list[dict[str, object]]:
    true = transfer.pairs.known
    if true.all() or not true.any():
        raise InputError(
            f"test={transfer.test!r} has {int(true.sum())} edges among {len(true)} pairs; both kinds are needed. Give another network."
        )
    source, names = pd.factorize(transfer.pairs.sources)
    counts = source_counts(len(names), n_boot, rng)
    chance = resampled_chance(true, source, counts)
    scores = {key: as_finite(values, f"scores[{key!r}]") for key, values in transfer.scores.items()}
    scores["chance", "null"] = np.zeros(len(true))
    judged = {key: judge_ranking(values, true) for key, values in scores.items()}
    strongest = max(
        (key for key in scores if key[1] == "null"), key=lambda key: (judged[key]["auprc"], key[0] == "chance")
    )
    drawn = {key: resampled_auprc(values, true, source, counts) for key, values in scores.items()}
    share = float(true.mean())
    fixed = {"n_sources": len(names), "n_train": transfer.n_train}
    rows = []
    for key in sorted(scores, key=lambda key: -judged[key]["auprc"]):
        row: dict[str, object] = {
            "train": "+".join(transfer.train),
            "test": transfer.test,
            "method": key[0],
            "form": key[1],
        }
        found = judged[key]
        row |= {name: found[name] for name in ("auprc", "auroc", "precision_top", "epr")}
        row |= {"chance": share, "ratio": found["auprc"] / share, **_interval("ratio", drawn[key] / chance, len(names))}
        row |= {"strongest_null": strongest[0], "gain": found["auprc"] - judged[strongest]["auprc"]}
        row |= _interval("gain", drawn[key] - drawn[strongest], len(names))
        rows.append(row | {name: found[name] for name in ("n_edges", "n_pairs")} | fixed)
    return rows


def _interval(name: str, draws: np.ndarray, n: int) -> dict[str, float]:
    """Quantiles of the resamples that hold an edge."""
    defined = draws[np.isfinite(draws)]
    low, high = np.quantile(defined, tails(n)) if n >= FEWEST and len(defined) else (np.nan, np.nan)
    return {f"{name}_low": float(low), f"{name}_high": float(high)}
