"""The figures by which an encoder is judged, each a row of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from scclamp._errors import InputError
from scclamp.encoders._rows import encode_rows, placement
from scclamp.encoders._trial import try_out

if TYPE_CHECKING:
    from scclamp.encoders._encoder import Encoder

MIN_GRADIENT_SHARE = 0.5
"""A network is fitted to every gene; below this share a minority of the genes would decide it."""
MIN_SENSITIVITY = 0.01
"""In distances between two cells. The mean of 5000 cells is as uncertain, so that a smaller shift drowns in any screen."""
ROUNDINGS = 1000
"""How many units of rounding a sum over a few thousand genes may be off, and below which a shift is nothing but rounding."""
MAX_ROUNDING = 0.05
"""The same as a share, for half precision."""
ALPHA = 0.01
"""Risk that a blind encoder passes for one that tells perturbations apart."""
MAX_COSINE = 0.999
"""Between the shifts of two perturbations: 2.6 degrees, which no regression takes apart."""
REFERENCE_TOLERANCE = 0.01
"""Share of a published embedding's length; many were computed in half precision."""
_OF_FITS = torch.float32
"""Precision of the states of a fit, where nothing else is said."""

Row = tuple[str, float, float, float, bool | None, str]


def gradient_flow(encoder: Encoder, states: np.ndarray, rng: np.random.Generator) -> Row:
    """Share of genes on which a random projection of the encoding depends, at any of some states."""
    dtype, device = placement(encoder)
    x = torch.as_tensor(states, dtype=dtype, device=device).clone().requires_grad_()
    with torch.enable_grad():
        encoded = encoder.encode(x)
    gradient = torch.zeros_like(x)
    if encoded.requires_grad:
        direction = torch.as_tensor(rng.standard_normal(encoded.shape[-1])).to(encoded)
        (found,) = torch.autograd.grad((encoded @ direction).sum(), x, allow_unused=True)
        gradient = gradient if found is None else found
    finite = bool(gradient.isfinite().all())
    share = float((gradient != 0).any(0).double().mean()) if finite else float("nan")
    what = "share of genes on which the encoding depends for autograd; the others are not fitted"
    meaning = (
        what
        if finite
        else "gradients hold NaN or infinity; a clamp, a logarithm or a root meets a value it cannot take"
    )
    return "gradient flow", share, float("nan"), MIN_GRADIENT_SHARE, share >= MIN_GRADIENT_SHARE, meaning


def sensitivity(
    halves: tuple[np.ndarray, np.ndarray], controls: np.ndarray, genes: tuple[tuple[np.ndarray, np.ndarray], np.ndarray]
) -> Row:
    """Typical length of the shifts of two halves of the cells, in distances between control cells.

    The product of two halves is free of the length that noise adds to a mean of few cells.
    """
    figure, beside = _in_distances(halves, controls), _in_distances(*genes)
    meaning = (
        "median length of an encoded shift, in distances between control cells; below it any screen's noise is larger"
    )
    return "sensitivity", figure, beside, MIN_SENSITIVITY, figure >= MIN_SENSITIVITY, meaning


def sensitivity_of_means(encoder: Encoder, means: np.ndarray) -> Row:
    """Typical length of the shifts of encoded means, in lengths of the encoded control, which is the first."""
    encoded = encode_rows(encoder, means)
    limit = rounding(encoder)
    figure, beside = _in_lengths(encoded), _in_lengths(means)
    meaning = (
        "median length of an encoded shift, in lengths of the encoded control; below it there is nothing but rounding"
    )
    return "sensitivity", figure, beside, limit, figure > limit, meaning


def discriminability(halves: tuple[np.ndarray, np.ndarray], genes: tuple[np.ndarray, np.ndarray]) -> Row:
    """How often the shift of one half of the cells finds that of the other half among those of all perturbations."""
    from scipy.stats import binom

    n = len(halves[0])
    figure, beside = (_retrieved(*each) for each in (halves, genes))
    threshold = (float(binom.isf(ALPHA, n, 1 / n)) + 1) / n
    p = float(binom.sf(round(figure * n) - 1, n, 1 / n))
    passed = True if figure >= threshold else (False if beside >= threshold else None)
    meaning = f"how often one half of the cells finds its other half among {n} perturbations (chance {1 / n:.3g}, p = {p:.2g})"
    if passed is None:
        meaning += "; gene space does no better, so there are too few cells, perturbations or effects to tell"
    return "discriminability", figure, beside, threshold, passed, meaning


def discriminability_of_means(encoder: Encoder, means: np.ndarray) -> Row:
    """Largest cosine between the shifts of two perturbations, of means alone."""
    figure, beside = _largest_cosine(encode_rows(encoder, means)), _largest_cosine(means)
    passed = True if figure <= MAX_COSINE else (False if beside <= MAX_COSINE else None)
    meaning = "largest cosine between the encoded shifts of two perturbations; above it they look the same"
    if passed is None:
        meaning = "two perturbations cannot be told apart in gene space either, or there are fewer than two"
    return "discriminability", figure, beside, MAX_COSINE, passed, meaning


def reproducibility(encoder: Encoder, states: np.ndarray) -> list[Row]:
    """Whether the same states are encoded alike twice, and alone as among others; or that encodings are no numbers."""
    first, again = encode_rows(encoder, states), encode_rows(encoder, states)
    if not np.isfinite(first).all():
        share = float((~np.isfinite(first)).mean())
        what = "share of numbers of the encoding that are NaN or infinite; a logarithm, a root or a quotient meets a value it cannot take"
        return [("finite", share, float("nan"), 0.0, False, what)]
    alone = np.concatenate([encode_rows(encoder, states[i : i + 1]) for i in range(len(states))])
    differing, apart, limit = float((first != again).mean()), _relative(alone, first), rounding(encoder)
    nan = float("nan")
    repeated = "share of numbers that differ when the same states are encoded twice; dropout, or another source of chance, is on"
    batched = "largest difference between a state alone and among others, relative to its length; states see each other"
    return [
        ("repeatability", differing, nan, 0.0, first.tobytes() == again.tobytes(), repeated),
        ("one by one", apart, nan, limit, apart <= limit, batched),
    ]


def affinity(encoder: Encoder, states: np.ndarray) -> Row:
    """Whether the encoding between two states lies between their encodings, as of an encoder that says it is affine."""
    encoded = encode_rows(encoder, states)
    between = encode_rows(encoder, (states + np.roll(states, 1, axis=0)) / 2)
    apart = float(np.abs(between - (encoded + np.roll(encoded, 1, axis=0)) / 2).max())
    # In units of all states, since one of them may be encoded as zero.
    largest, limit = float(np.abs(encoded).max()), rounding(encoder)
    figure = apart / largest if largest > 0 else apart
    meaning = "largest distance from the middle of two encodings to that of the middle; affine=True is not true of it"
    return "affine", figure, float("nan"), limit, figure <= limit, meaning


def precision(encoder: Encoder, states: np.ndarray) -> list[Row]:
    """Why a fit would refuse an encoder in another precision than that of its states; nothing where it would not."""
    dtype, device = placement(encoder)
    if dtype == _OF_FITS:
        return []
    try:
        try_out(encoder, torch.as_tensor(states[[0, 0]], dtype=_OF_FITS, device=device))
    except InputError as error:
        double = dtype == torch.float64
        meaning = f"rounding of its numbers; tl.fit refuses it as it is: {error}"
        passed = None if double else False
        return [("precision", torch.finfo(dtype).eps, float("nan"), torch.finfo(_OF_FITS).eps, passed, meaning)]
    return []


def reproduces(encoder: Encoder, inputs: np.ndarray, outputs: np.ndarray) -> Row:
    """Largest difference to a published result, relative to its length."""
    apart = _relative(encode_rows(encoder, inputs), outputs)
    meaning = "largest difference to the reference, relative to its length; weights, vocabulary or preprocessing differ"
    return "reference", apart, float("nan"), REFERENCE_TOLERANCE, apart <= REFERENCE_TOLERANCE, meaning


def rounding(encoder: Encoder) -> float:
    """Largest relative difference that rounding explains, in the precision of the encoder."""
    return min(ROUNDINGS * torch.finfo(placement(encoder)[0]).eps, MAX_ROUNDING)


def _relative(found: np.ndarray, reference: np.ndarray) -> float:
    """Largest distance between rows, in lengths of the row; infinite where the shapes differ or something is not finite."""
    if found.shape != reference.shape or not (np.isfinite(found).all() and np.isfinite(reference).all()):
        return float("inf")
    apart, length = np.linalg.norm(found - reference, axis=1), np.linalg.norm(reference, axis=1)
    ratio = np.divide(apart, length, out=np.where(apart > 0, np.inf, 0.0), where=length > 0)
    return float(ratio.max())


def _in_distances(halves: tuple[np.ndarray, np.ndarray], controls: np.ndarray) -> float:
    product = (halves[0] * halves[1]).sum(1)
    order = np.arange(len(controls) // 2)
    distance = float(np.median(np.linalg.norm(controls[2 * order] - controls[2 * order + 1], axis=1)))
    return float(np.median(np.sqrt(np.maximum(product, 0)))) / distance if distance > 0 else 0.0


def _in_lengths(means: np.ndarray) -> float:
    length = float(np.linalg.norm(means[0]))
    shift = float(np.median(np.linalg.norm(means[1:] - means[0], axis=1)))
    # From the origin any shift is long; one that is not finite is no shift.
    return shift / length if length > 0 else (1.0 if shift > 0 else 0.0)


def _cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine of every row of one with every row of the other; a row of zeros is close to nothing."""

    def unit(rows: np.ndarray) -> np.ndarray:
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)

    return unit(a) @ unit(b).T


def _retrieved(one: np.ndarray, other: np.ndarray) -> float:
    cosines = _cosines(one, other)
    own = np.diag(cosines).copy()
    np.fill_diagonal(cosines, -np.inf)
    # Who is only as close as another has not been found.
    return float((own > cosines.max(1)).mean())


def _largest_cosine(means: np.ndarray) -> float:
    shifts = means[1:] - means[0]
    cosines = _cosines(shifts, shifts)[np.triu_indices(len(shifts), 1)]
    return float(cosines.max()) if cosines.size else float("nan")
