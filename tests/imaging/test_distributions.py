"""Tests of the metrics of sets of pictures, against SciPy, exact values and direct definitions."""

import numpy as np
import pytest

from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.imaging import distributions
from minicnn.imaging.distributions import copy_ratio, frechet_distance, nearest_neighbour_accuracy, precision_recall


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_the_frechet_distance_is_that_of_scipys_matrix_root(rng):
    linalg = pytest.importorskip("scipy.linalg")
    a = rng.normal(size=(50, 4)) @ rng.normal(size=(4, 4))
    b = rng.normal(size=(40, 4)) @ rng.normal(size=(4, 4)) + 1
    ca, cb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    means = ((a.mean(0) - b.mean(0)) ** 2).sum()
    expected = means + np.trace(ca + cb - 2 * linalg.sqrtm(ca @ cb).real)
    assert frechet_distance(a, b) == pytest.approx(expected)
    assert frechet_distance(b, a) == pytest.approx(expected)
    assert frechet_distance(a.astype(np.float32), b.astype(np.float32)) == pytest.approx(expected, rel=1e-4)


def test_exact_frechet_distances(rng):
    a = rng.normal(size=(30, 3))
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(a, a + np.array([1, 2, 2])) == pytest.approx(9)
    centred = a - a.mean(0)
    assert frechet_distance(centred, 3 * centred) == pytest.approx(4 * np.trace(np.cov(a, rowvar=False)))
    fewer = rng.normal(size=(5, 20))  # a singular covariance
    assert frechet_distance(fewer, fewer) == pytest.approx(0, abs=1e-6)


def test_the_nearest_neighbour_test(rng, monkeypatch):
    monkeypatch.setattr(distributions, "BLOCK", 7 * 200)
    a, b = rng.normal(size=(200, 5)), rng.normal(size=(200, 5))
    assert abs(nearest_neighbour_accuracy(a, b) - 0.5) < 0.08
    assert nearest_neighbour_accuracy(a, b + 20) == 1
    assert nearest_neighbour_accuracy(a, a + 1e-6) == 0  # every picture has a twin
    both = np.concatenate([a, b])
    distances = np.linalg.norm(both[:, None] - both[None], axis=2) + np.diag(np.full(400, np.inf))
    sets = np.arange(400) < 200
    expected = (sets[distances.argmin(1)] == sets).mean()
    assert nearest_neighbour_accuracy(a, b) == pytest.approx(expected)


def test_precision_and_recall(rng, monkeypatch):
    monkeypatch.setattr(distributions, "BLOCK", 9 * 100)
    real = np.concatenate([rng.normal(size=(100, 2)), rng.normal(size=(100, 2)) + 50])  # two kinds
    half = rng.normal(size=(100, 2))  # one of them
    precision, recall = precision_recall(real, half)
    assert precision > 0.9
    assert 0.4 < recall <= 0.5
    assert precision_recall(real, real) == (1, 1)
    assert precision_recall(real, half + 1000) == (0, 0)
    k = 2
    radii = np.sort(np.linalg.norm(real[:, None] - real[None], axis=2), axis=1)[:, k]
    inside = (np.linalg.norm(half[:, None] - real[None], axis=2) <= radii).any(1).mean()
    assert precision_recall(real, half, k=k)[0] == pytest.approx(inside)


def test_copies_are_found(rng):
    training, held_out, new = (rng.normal(size=(100, 6)) for _ in range(3))
    assert 0.8 < copy_ratio(new, training, held_out) < 1.2
    assert copy_ratio(training[:50] + 1e-3, training, held_out) < 0.01
    assert copy_ratio(new, training, training) == np.inf


@pytest.mark.parametrize("function", [frechet_distance, nearest_neighbour_accuracy, precision_recall])
def test_mistakes(function, rng):
    a = rng.normal(size=(5, 3))
    with pytest.raises(ShapeError, match=r"got \(5, 3\) and \(5, 2\); flatten pictures"):
        function(a, a[:, :2])
    with pytest.raises(ShapeError, match="with 2 rows or more"):
        function(a[:1], a[:1])
    with pytest.raises(ShapeError, match="with 2 rows or more"):
        function(a[:, 0], a[:, 0])
    with pytest.raises(DTypeError, match="must be floating point, got float64 and int64"):
        function(a, np.ones((5, 3), int))


def test_mistakes_of_single_functions(rng):
    a = rng.normal(size=(5, 3))
    with pytest.raises(ShapeError, match="the sets need the same size, got 5 and 4"):
        nearest_neighbour_accuracy(a, a[:4])
    for k in (0, 4):
        with pytest.raises(ArgumentError, match=f"k must be from 1 to 3, below the sizes, got {k}"):
            precision_recall(a, a[:4], k)
    with pytest.raises(ShapeError, match="copy_ratio: the sets"):
        copy_ratio(a, a, a[:, :2])
