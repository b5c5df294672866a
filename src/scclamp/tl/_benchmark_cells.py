"""One cell of a benchmark: a predictor on a split with a seed. Its scores are kept in a file of their own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scclamp import metrics
from scclamp._atomic import atomic_path
from scclamp._digest import digest_text, dump_json, load_json
from scclamp._errors import InputError, StorageError

if TYPE_CHECKING:
    import os

    from scclamp.predictors import Predictor, Target
    from scclamp.tl._benchmark_screen import Screen

SCHEMA_VERSION = 1
SCORES = (
    "pearson_delta",
    "pearson_delta_top20",
    "cosine_delta",
    "direction_accuracy",
    "discrimination_score",
    "mse",
    "mae",
)
"""One value for each target, clamped genes left out."""


def run_cell(predictor: Predictor, screen: Screen, seed: int) -> dict[str, Any]:
    """Fit a predictor and score it on what is judged; targets that it cannot predict score NaN."""
    start = time.perf_counter()
    predictor.fit(screen.conditions, rng=seed)
    seconds = time.perf_counter() - start
    possible = np.array([not predictor.lacks(target) for target in screen.targets], bool)
    shift = np.full(screen.observed.shape, np.nan)
    if possible.any():
        chosen = [target for target, ok in zip(screen.targets, possible, strict=True) if ok]
        predicted = np.asarray(predictor.predict(chosen), float)
        if predicted.shape != (len(chosen), screen.observed.shape[1]):
            msg = f"predictors: {predictor.name!r} predicted an array of shape {predicted.shape}, not targets x genes."
            raise InputError(f"{msg} Return ({len(chosen)}, {screen.observed.shape[1]}).")
        shift[possible] = predicted - screen.conditions.train_mean[0]
    return {"seconds": seconds, "predicted": possible.tolist(), "scores": _score(shift, possible, screen)}


def not_fitted(n_targets: int) -> dict[str, Any]:
    """The same of a predictor with a free constant and no combinations to fit it to.

    Examples
    --------
    >>> not_fitted(2)["predicted"]
    [False, False]
    """
    return {
        "seconds": np.nan,
        "predicted": [False] * n_targets,
        "scores": {name: [np.nan] * n_targets for name in SCORES},
    }


def _score(shift: np.ndarray, possible: np.ndarray, screen: Screen) -> dict[str, list[float]]:
    control, observed = screen.reference, screen.observed
    at = {gene: i for i, gene in enumerate(screen.conditions.genes)}
    given = _clamped(screen.targets, at)
    found = {name: np.full(len(shift), np.nan) for name in SCORES}
    if possible.any():
        predicted, seen, exclude = (control + shift)[possible], observed[possible], given[possible]
        # What a predictor cannot predict still competes for being recognised.
        others = observed[~possible] if not possible.all() else None
        against: dict[str, Any] = {"control": control, "exclude": exclude}
        found["pearson_delta"][possible] = metrics.pearson_delta(predicted, seen, **against)
        found["pearson_delta_top20"][possible] = metrics.pearson_delta(predicted, seen, top=20, **against)
        found["cosine_delta"][possible] = metrics.cosine_delta(predicted, seen, **against)
        found["direction_accuracy"][possible] = metrics.direction_accuracy(predicted, seen, **against)
        found["discrimination_score"][possible] = metrics.discrimination_score(
            predicted, seen, metric="cosine", distractors=others, **against
        )
        found["mse"][possible] = metrics.mse(predicted, seen, exclude=exclude)
        found["mae"][possible] = metrics.mae(predicted, seen, exclude=exclude)
    return {name: values.tolist() for name, values in found.items()}


def _clamped(targets: list[Target], at: dict[str, int]) -> np.ndarray:
    clamped = np.zeros((len(targets), len(at)), bool)
    for row, target in enumerate(targets):
        clamped[row, [at[gene] for gene in target if gene in at]] = True
    return clamped


@dataclass(frozen=True)
class Store:
    """Folder with one file for each cell that is done, named by what the cell is.

    Parameters
    ----------
    folder
        Made when it is not there.
    """

    folder: Path

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Store:
        """Make the folder, or say why it cannot be made."""
        try:
            Path(path).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"checkpoint={str(path)!r} cannot be made a folder ({error}). Choose another path."
            raise StorageError(msg) from error
        return cls(Path(path))

    def load(self, cell: dict[str, Any]) -> dict[str, Any] | None:
        """Scores of a cell that is done; None when it is not."""
        path = self._path(cell)
        try:
            text = path.read_text()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise self._damaged(path, str(error)) from error
        try:
            found = load_json(text)
            body = {key: found[key] for key in ("schema_version", "cell", "result")}
            whole = found["digest"] == digest_text(dump_json(body)) and body["cell"] == load_json(dump_json(cell))
        except (ValueError, TypeError, KeyError) as error:
            raise self._damaged(path, f"it cannot be parsed: {error}") from error
        if not whole:
            raise self._damaged(path, "its text does not match its digest")
        return body["result"]

    def save(self, cell: dict[str, Any], result: dict[str, Any]) -> None:
        """Keep the scores of a cell, whole or not at all."""
        body = {"schema_version": SCHEMA_VERSION, "cell": cell, "result": result}
        with atomic_path(self._path(cell)) as temporary:
            temporary.write_text(dump_json({**body, "digest": digest_text(dump_json(body))}))

    def _path(self, cell: dict[str, Any]) -> Path:
        return self.folder / f"{digest_text(dump_json([SCHEMA_VERSION, cell]))[:24]}.json"

    def _damaged(self, path: Path, why: str) -> StorageError:
        return StorageError(
            f"checkpoint={str(self.folder)!r}: {path.name!r} is damaged: {why}. Delete it to compute it anew."
        )
