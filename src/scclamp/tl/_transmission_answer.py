"""What one encoder answers along one basis of gene space, and the rows of tables that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import torch

from scclamp import encoders
from scclamp._errors import InputError
from scclamp.probes import captured, infinitesimal_transmission, preserved, regulatory_weight, transmission

if TYPE_CHECKING:
    from scclamp.encoders import Encoder
    from scclamp.tl._transmission_bases import Basis
    from scclamp.tl._transmission_controls import Controls
    from scclamp.tl._transmission_null import Shuffled


@dataclass(frozen=True, eq=False)
class Answer:
    """What one encoder answers along one basis.

    Parameters
    ----------
    encoder
        Its name.
    basis
        Directions.
    names, shifts
        Perturbations and their observed shifts.
    t
        Transmission of each direction at each control cell (cells, k).
    small
        The infinitesimal one (k,); NaN where it was not asked for.
    direct
        Transmission of each perturbation's own shift (perturbations,).
    per_seed, by_chance
        Cells of each draw, and whether draws differ.
    shuffled
        Shifts of shuffled labels.
    noise
        Transmission of each of their directions at each control cell (cells, directions).
    """

    encoder: str
    basis: Basis
    names: list[str]
    shifts: np.ndarray
    t: np.ndarray
    small: np.ndarray
    direct: np.ndarray
    per_seed: int
    by_chance: bool
    shuffled: Shuffled
    noise: np.ndarray

    @classmethod
    def of(
        cls,
        name: str,
        encoder: Encoder,
        basis: Basis,
        controls: Controls,
        names: list[str],
        shifts: np.ndarray,
        shuffled: Shuffled,
        infinitesimal: bool,
        batch_size: int | None,
    ) -> Self:
        """Measure."""
        dtype, device = encoders.placement(encoder)
        # An affine encoder answers alike at every cell.
        rows = controls.rows[:1] if encoder.affine else controls.rows
        cells = torch.as_tensor(rows, dtype=dtype, device=device)

        def measure(directions: np.ndarray, scale: float) -> np.ndarray:
            given = torch.as_tensor(directions, dtype=dtype, device=device)
            found = transmission(encoder.encode, cells, given, scale, batch_size=batch_size)
            return np.broadcast_to(found.double().cpu().numpy(), (len(controls.rows), len(directions)))[controls.which]

        small = np.full(len(basis.directions), np.nan)
        if infinitesimal:
            given = torch.as_tensor(basis.directions, dtype=dtype, device=device)
            found = infinitesimal_transmission(encoder.encode, cells, given, batch_size=batch_size)
            each = np.broadcast_to(found.double().cpu().numpy(), (len(controls.rows), found.shape[1]))
            small = each[controls.which].mean(0)
        lengths = np.linalg.norm(shifts, axis=1)
        moved = lengths > 0
        direct = np.full(len(shifts), np.nan)
        direct[moved] = measure(shifts[moved], 1.0).mean(0) / lengths[moved]
        t = measure(basis.directions, basis.scale)
        # Steps are as long as for the basis itself, so that an encoder that is not linear is asked alike.
        noise = measure(shuffled.directions, basis.scale)
        if not (np.isfinite(t).all() and np.isfinite(noise).all()):
            raise InputError(
                f"encoder={name!r} gives NaN or infinity for control cells that were moved by {basis.scale:.3g} along a "
                "direction of gene space, which may make expression negative. Clamp its input, or choose another encoder."
            )
        drawn = (controls.per_seed, controls.by_chance)
        return cls(name, basis, names, shifts, t, small, direct, *drawn, shuffled, noise)

    @property
    def by_seed(self) -> np.ndarray:
        """Transmission for each draw (seeds, k)."""
        return self._seeds(self.t)

    def _seeds(self, t: np.ndarray) -> np.ndarray:
        return t.reshape(len(t) // self.per_seed, self.per_seed, t.shape[1]).mean(1)

    def _null(self) -> float:
        """What is preserved of the shifts of shuffled labels."""
        gamma = self.basis.name == "gamma"
        directions, t = (self.shuffled.directions, self.noise) if gamma else (self.basis.directions, self.t)
        weight = regulatory_weight(self.shuffled.shifts, directions).sum(0)
        return float(preserved(weight, self._seeds(t)).mean())

    def _sd(self, of_seeds: np.ndarray) -> Any:
        """Standard deviation over draws; NaN where there is one, or all are of the same cells."""
        return of_seeds.std(0, ddof=1) if self.by_chance and len(of_seeds) > 1 else np.nan

    def summary(self, resampled_shifts: np.ndarray, resampled_cells: np.ndarray) -> dict[str, Any]:
        """One row: fractions over all perturbations, with the interval from resamples."""
        each = regulatory_weight(self.shifts, self.basis.directions)
        weight = each.sum(0)
        of_seeds = preserved(weight, self.by_seed)
        resampled_t = resampled_cells @ self.t
        resampled = preserved(resampled_shifts @ each, resampled_t)
        relative = _over_largest(of_seeds, self.by_seed, self._seeds(self.noise))
        resampled_relative = _over_largest(resampled, resampled_t, resampled_cells @ self.noise)
        # One perturbation says nothing of others.
        several = bool((each.sum(1) > 0).sum() > 1)
        low, high = _interval(resampled, several)
        relative_low, relative_high = _interval(resampled_relative, several)
        energy = np.square(self.shifts).sum(1)
        moved = energy > 0
        return {
            "encoder": self.encoder,
            "basis": self.basis.name,
            "preserved": of_seeds.mean(),
            "sd": self._sd(of_seeds),
            "low": low,
            "high": high,
            "null": self._null(),
            "relative": relative.mean(),
            "relative_low": relative_low,
            "relative_high": relative_high,
            "infinitesimal": preserved(weight, self.small).item(),
            "direct": preserved(energy[moved], self.direct[moved]).item(),
            "coverage": weight.sum() / energy.sum(),
            "n_directions": len(self.basis.directions),
        }

    def components(self) -> pd.DataFrame:
        """One row for each direction."""
        weight = regulatory_weight(self.shifts, self.basis.directions).sum(0)
        by_seed = self.by_seed
        t = by_seed.mean(0)
        return pd.DataFrame(
            {
                "encoder": self.encoder,
                "basis": self.basis.name,
                "component": np.arange(len(t)),
                "weight": weight / weight.sum(),
                "t": t,
                "sd": self._sd(by_seed),
                "infinitesimal": self.small,
                "captured": captured(weight, by_seed).mean(0),
            }
        )

    def regulators(self) -> pd.DataFrame:
        """One row for each perturbation: what an encoder is blind to."""
        each = regulatory_weight(self.shifts, self.basis.directions)
        return pd.DataFrame(
            {
                "encoder": self.encoder,
                "basis": self.basis.name,
                "regulator": self.names,
                "preserved": preserved(each[:, None], self.by_seed).mean(1),
                "direct": np.square(self.direct),
                "shift": np.linalg.norm(self.shifts, axis=1),
            }
        )


def _over_largest(energy: np.ndarray, *t: np.ndarray) -> np.ndarray:
    """Energies over the square of the largest of the transmissions in each row; NaN where nothing comes through at all."""
    largest = np.square(np.concatenate(t, axis=1).max(1))
    return np.divide(energy, largest, out=np.full(energy.shape, np.nan), where=largest > 0)


def _interval(resampled: np.ndarray, several: bool) -> tuple[float, float]:
    """Quantiles that hold 95 % of the resamples that are defined."""
    known = resampled[np.isfinite(resampled)]
    low, high = np.quantile(known, [0.025, 0.975]) if several and len(known) else (np.nan, np.nan)
    return float(low), float(high)
