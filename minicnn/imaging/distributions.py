"""Metrics that compare two sets of pictures: are generated pictures distributed like real ones, and are they copies?

Each set is an array (N, D): a row of numbers for each picture, its pixels or the features of a classifier. No single
number is enough. The Fréchet distance sees means and covariances alone. The nearest-neighbour test sees single
pictures. Precision and recall tell bad pictures from missing ones. A model that repeats its training pictures is
perfect in all of them, so `copy_ratio` looks for copies.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.errors import ArgumentError, DTypeError, ShapeError

__all__ = ["copy_ratio", "frechet_distance", "nearest_neighbour_accuracy", "precision_recall"]

Rows = NDArray[np.floating]
BLOCK = 16_000_000  # distances that are computed together, so that memory is bounded: 128 MB


def frechet_distance(a: Rows, b: Rows) -> float:
    """Return the Fréchet distance of two normal distributions that have the means and covariances of the sets.

        d² = ‖μ_a - μ_b‖² + trace(Σ_a + Σ_b - 2 (Σ_a Σ_b)^½)

    The result is d², as in the literature. In the features of the Inception network it is called FID; other features
    give other numbers, so name the features beside the number.

    Parameters
    ----------
    a, b : numpy.ndarray, (N, D) and (M, D), floating point

    Returns
    -------
    float
        0 for equal means and covariances. Small sets give numbers that are too large.

    Raises
    ------
    ShapeError
        If the sets are not (N, D) and (M, D) with at least 2 rows.
    DTypeError
        If the numbers are not floating point.

    References
    ----------
    Dowson and Landau, "The Fréchet distance between multivariate normal distributions", 1982. Heusel et al., "GANs
    trained by a two time-scale update rule converge to a local Nash equilibrium", 2017.

    Examples
    --------
    >>> a = np.array([[-1.0], [1.0]])
    >>> round(frechet_distance(a, a + 3), 6)
    9.0
    """
    _check("frechet_distance", a, b)
    a, b = a.astype(np.float64), b.astype(np.float64)
    covariance_a, covariance_b = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b))
    values, vectors = np.linalg.eigh(covariance_a)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    mixed = np.sqrt(np.linalg.eigvalsh(root @ covariance_b @ root).clip(0)).sum()  # trace of (Σ_a Σ_b)^½
    means = ((a.mean(0) - b.mean(0)) ** 2).sum()
    return float(max(means + np.trace(covariance_a) + np.trace(covariance_b) - 2 * mixed, 0))


def nearest_neighbour_accuracy(a: Rows, b: Rows) -> float:
    """Return how often the nearest other picture is of the same set: 0.5 for equal distributions, 1 for different ones.

    Below 0.5, each picture of a set has a near twin in the other one: copies.

    Parameters
    ----------
    a, b : numpy.ndarray, (N, D), floating point
        Sets of the same size.

    Raises
    ------
    ShapeError
        If the sets are not (N, D), of the same size, with at least 2 rows.
    DTypeError
        If the numbers are not floating point.

    References
    ----------
    Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", 2017.

    Examples
    --------
    >>> a = np.array([[0.0], [1.0], [2.0]])
    >>> nearest_neighbour_accuracy(a, a + 10)
    1.0
    """
    _check("nearest_neighbour_accuracy", a, b)
    if len(a) != len(b):
        raise ShapeError(
            f"nearest_neighbour_accuracy: the sets need the same size, got {len(a)} and {len(b)}; leave rows out"
        )
    own_a, own_b = (_nearest(x, x, 1, same=True)[:, 0] for x in (a, b))
    other_a, other_b = _nearest(a, b, 1)[:, 0], _nearest(b, a, 1)[:, 0]
    wins = np.concatenate([_wins(own_a, other_a), _wins(own_b, other_b)])
    return float(wins.mean())


def precision_recall(real: Rows, generated: Rows, k: int = 3) -> tuple[float, float]:
    """Return the share of generated pictures that are near real ones, and the share of real ones near generated ones.

    A picture is near a set if it lies in a ball around one of the set's pictures, through the k-th nearest picture of
    the set. Precision is low if pictures look wrong, recall if kinds of pictures are missing.

    Parameters
    ----------
    real, generated : numpy.ndarray, (N, D) and (M, D), floating point
    k : int

    Raises
    ------
    ShapeError
        If the sets are not (N, D) and (M, D) with at least 2 rows.
    DTypeError
        If the numbers are not floating point.
    ArgumentError
        If k is not from 1 to the size of the smaller set - 1.

    References
    ----------
    Kynkäänniemi et al., "Improved precision and recall metric for assessing generative models", 2019.
    """
    _check("precision_recall", real, generated)
    if not 1 <= k < min(len(real), len(generated)):
        raise ArgumentError(
            f"precision_recall: k must be from 1 to {min(len(real), len(generated)) - 1}, below the sizes, got {k}"
        )
    return _covered(generated, real, k), _covered(real, generated, k)


def copy_ratio(generated: Rows, training: Rows, held_out: Rows) -> float:
    """Return the median distance of generated pictures to the nearest training picture, divided by that of real ones.

    The real ones are held-out pictures, which the model has not seen. About 1: the generated pictures are as new as
    these. Near 0: they are copies of training pictures.

    Parameters
    ----------
    generated, training, held_out : numpy.ndarray, (N, D), (M, D) and (K, D), floating point

    Raises
    ------
    ShapeError
        If the sets are not (N, D), (M, D) and (K, D) with at least 2 rows.
    DTypeError
        If the numbers are not floating point.
    """
    _check("copy_ratio", generated, training)
    _check("copy_ratio", held_out, training)
    made, real = (float(np.median(_nearest(rows, training, 1))) for rows in (generated, held_out))
    return made / real if real else float("inf")


def _covered(rows: Rows, centres: Rows, k: int) -> float:
    """Return the share of rows in the balls around the centres."""
    radii = _nearest(centres, centres, k, same=True)[:, k - 1]
    inside = [(_distances(block, centres) <= radii).any(1) for block in _blocks(rows, centres)]
    return float(np.concatenate(inside).mean())


def _wins(own: Rows, other: Rows) -> Rows:
    """Return 1 where the own set has the nearest picture, and 1/2 where both have one."""
    won: Rows = (own < other) + 0.5 * (own == other)
    return won


def _nearest(rows: Rows, others: Rows, k: int, *, same: bool = False) -> Rows:
    """Return the k smallest distances of each row to the others, in order; `same`: except to itself."""
    found = []
    first = 0
    for block in _blocks(rows, others):
        distances = _distances(block, others)
        if same:
            places = np.arange(len(block))
            distances[places, first + places] = np.inf
        first += len(block)
        found.append(np.sort(np.partition(distances, k - 1, axis=1)[:, :k], axis=1))
    nearest: Rows = np.concatenate(found)
    return nearest


def _blocks(rows: Rows, others: Rows) -> list[Rows]:
    count = max(BLOCK // len(others), 1)
    return [rows[i : i + count] for i in range(0, len(rows), count)]


def _distances(a: Rows, b: Rows) -> Rows:
    a, b = a.astype(np.float64), b.astype(np.float64)
    squares: NDArray[Any] = (a**2).sum(1)[:, np.newaxis] - 2 * a @ b.T + (b**2).sum(1)
    distances: Rows = np.sqrt(squares.clip(0))
    return distances


def _check(call: str, *sets: Rows) -> None:
    shapes = " and ".join(str(x.shape) for x in sets)
    if any(x.ndim != 2 or len(x) < 2 for x in sets) or len({x.shape[1] for x in sets}) > 1:
        raise ShapeError(
            f"{call}: the sets must be (N, D) and (M, D) with 2 rows or more, got {shapes}; "
            "flatten pictures, as in pictures.reshape(len(pictures), -1)"
        )
    if any(not np.issubdtype(x.dtype, np.floating) for x in sets):
        raise DTypeError(f"{call}: the numbers must be floating point, got {' and '.join(str(x.dtype) for x in sets)}")
