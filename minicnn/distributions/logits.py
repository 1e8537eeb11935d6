"""Probabilities and logits of discrete distributions, each computed from the other."""

from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError
from minicnn.ops.activation import sigmoid, softmax
from minicnn.ops.exponentials import log, log1p

__all__ = ["clamp_probs", "logits_to_probs", "one_of", "probs_to_logits"]


def one_of(call: str, probs: Any, logits: Any) -> None:
    """Check that exactly one of two arguments is given.

    Raises
    ------
    ArgumentError
        If both or none are given.
    """
    if (probs is None) == (logits is None):
        raise ArgumentError(f"{call}: give either probs or logits; got {'none' if probs is None else 'both'}")


def clamp_probs(probs: Tensor) -> Tensor:
    """Limit probabilities to [eps, 1 - eps], so that their logarithms are finite."""
    eps = float(np.finfo(probs.dtype).eps)
    return probs.clamp(eps, 1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Return log p; for a probability of two cases log(p / (1 - p))."""
    p = clamp_probs(probs)
    return log(p) - log1p(-p) if is_binary else log(p)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Return the softmax along the last axis; for two cases the sigmoid."""
    return sigmoid(logits) if is_binary else softmax(logits, -1)
