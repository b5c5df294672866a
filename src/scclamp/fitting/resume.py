"""Checkpoints of a running fit: written now and then, found again by the next call."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scclamp import _checkpoint
from scclamp._digest import digest_text
from scclamp._errors import StorageError
from scclamp.fitting.config import FitConfig
from scclamp.fitting.problem import FitProblem
from scclamp.fitting.trainer import Trainer

KIND = "fit"
_MAY_CHANGE = ("max_epochs", "patience")


def fingerprint(problem: FitProblem, config: FitConfig, n_members: int, origin: str) -> dict[str, Any]:
    """Everything that decides the course of a fit, by what a user calls it; only its length may change between runs.

    What comes first explains what differs after it: another split, for instance, comes with other encoded means.
    """
    settings = json.loads(config.to_json())
    data, encoded = problem.digests
    return {name: value for name, value in settings.items() if name not in _MAY_CHANGE} | {
        "n_seeds": n_members,
        "the data, its labels or their split": data,
        "the encoder": [problem.encoder, encoded],
        "the random seed": digest_text(origin),
    }


def saved_epoch(path: str | os.PathLike[str]) -> int | None:
    """Epoch of the checkpoint of a fit; None where there is none."""
    if not (Path(path) / _checkpoint.MANIFEST).exists():
        return None
    _, state = _checkpoint.load(path, kind=KIND)
    return int(state["trainer"]["epoch"])


class Checkpointer:
    """Saves a trainer every few epochs and continues one from disk.

    Parameters
    ----------
    path
        Folder of the checkpoint.
    genes
        Names of the genes, so that a checkpoint of another panel is refused.
    every
        Epochs between two checkpoints.
    """

    def __init__(self, path: str | os.PathLike[str], genes: Sequence[str], every: int) -> None:
        self.path, self.genes, self.every = Path(path), genes, every

    def resume(self, trainer: Trainer) -> bool:
        """Continue from the checkpoint when there is one; refuse one of another fit."""
        if not (self.path / _checkpoint.MANIFEST).exists():
            return False
        tensors, state = _checkpoint.load(self.path, kind=KIND, genes=self.genes)
        saved, found = state["fingerprint"], self._fingerprint(trainer)
        if differing := [name for name in found | saved if found.get(name) != saved.get(name)]:
            raise StorageError(
                f"checkpoint={str(self.path)!r} belongs to another fit: {differing[0]} differs. Pass the same arguments to "
                "resume it, or another path to start afresh."
            )
        trainer.load_state(tensors, state["trainer"])
        return True

    def save(self, trainer: Trainer) -> None:
        """Write the trainer's state."""
        tensors, values = trainer.state()
        state = {"fingerprint": self._fingerprint(trainer), "trainer": values}
        _checkpoint.save(self.path, tensors, state, kind=KIND, genes=self.genes)

    def after_epoch(self, trainer: Trainer) -> None:
        """Write the state when it is time to, and at the end."""
        if trainer.epoch % self.every == 0 or trainer.finished:
            self.save(trainer)

    def _fingerprint(self, trainer: Trainer) -> dict[str, Any]:
        return fingerprint(trainer.problem, trainer.config, len(trainer.best_loss), trainer.origin)
