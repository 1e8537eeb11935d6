"""In-place methods of Tensor that fill it with random numbers; `ops/methods.py` attaches them."""

from math import pi
from typing import Any

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.ops.in_place import in_place
from minicnn.ops.operands import require_kind
from minicnn.ops.random import _check, _tensor, bernoulli
from minicnn.ops.shape import broadcast_to
from minicnn.runtime import random

__all__ = ["RandomMethods"]


class RandomMethods:
    """Methods of Tensor that fill it with random numbers."""

    @random.takes_generator
    def bernoulli(self: Any, p: Any = None) -> Tensor:
        """Return 1 with the probability that each element is, or with the probability p; errors as in `bernoulli`."""
        return bernoulli(self, p)

    @random.takes_generator
    def bernoulli_(self: Any, p: Any = 0.5) -> Tensor:
        """Fill with 1 with the probability p, a number or a tensor that broadcasts, and with 0 otherwise.

        Raises
        ------
        ArgumentError
            If a probability is not in [0, 1].
        """
        chance = broadcast_to(p, self.shape) if isinstance(p, Tensor) else Tensor._of(np.full(self.shape, float(p)))
        return in_place(self, lambda x: bernoulli(chance).to(x))

    @random.takes_generator
    def random_(self: Any, from_: Any = None, to: Any = None) -> Tensor:
        """Fill with random integers from `from_` to `to` - 1; ``random_(to)`` starts at 0.

        Without arguments, fill with all integers >= 0 that the element type holds exactly.

        Raises
        ------
        ArgumentError
            If the range is empty.
        """
        low, high = (0, from_) if to is None else (from_ or 0, to)
        if high is None:
            digits = {"f": 2 ** (np.finfo(self.dtype).nmant + 1) + 1} if self.dtype.kind == "f" else {"b": 2}
            high = digits.get(self.dtype.kind) or np.iinfo(self.dtype).max + 1
        _check("random_", low < high, f"from_ must be less than to, got {low} and {high}")
        drawn = random.generator().integers(low, high - 1, self.shape, endpoint=True)
        return in_place(self, lambda x: _tensor(drawn, x.dtype, x.device))

    @random.takes_generator
    def exponential_(self: Any, lambd: Any = 1.0) -> Tensor:
        """Fill with random numbers from the exponential distribution with the rate `lambd`.

        Raises
        ------
        ArgumentError
            If the rate is not above 0.
        DTypeError
            If the tensor does not hold floats.
        """
        _check("exponential_", lambd > 0, f"lambd must be above 0, got {lambd}")
        return _filled(self, "exponential_", lambda g: g.standard_exponential(self.shape) / lambd)

    @random.takes_generator
    def geometric_(self: Any, p: Any) -> Tensor:
        """Fill with the number of trials up to the first success, which has the probability p.

        Raises
        ------
        ArgumentError
            If p is not between 0 and 1.
        """
        _check("geometric_", 0 < p < 1, f"p must be between 0 and 1, got {p}")
        drawn = random.generator().geometric(p, self.shape)
        return in_place(self, lambda x: _tensor(drawn, x.dtype, x.device))

    @random.takes_generator
    def log_normal_(self: Any, mean: Any = 1.0, std: Any = 2.0) -> Tensor:
        """Fill with e to the power of random numbers from a normal distribution.

        Raises
        ------
        ArgumentError
            If std is not above 0.
        DTypeError
            If the tensor does not hold floats.
        """
        _check("log_normal_", std > 0, f"std must be above 0, got {std}")
        return _filled(self, "log_normal_", lambda g: np.exp(g.standard_normal(self.shape) * std + mean))

    @random.takes_generator
    def cauchy_(self: Any, median: Any = 0.0, sigma: Any = 1.0) -> Tensor:
        """Fill with random numbers from the Cauchy distribution.

        Raises
        ------
        ArgumentError
            If sigma is not above 0.
        DTypeError
            If the tensor does not hold floats.
        """
        _check("cauchy_", sigma > 0, f"sigma must be above 0, got {sigma}")
        return _filled(self, "cauchy_", lambda g: median + sigma * np.tan(pi * (g.random(self.shape) - 0.5)))


def _filled(target: Tensor, call: str, draw: Any) -> Tensor:
    """Fill a tensor of floats with the numbers that a function draws from the generator."""
    require_kind(call, target.dtype, "f", "floats")
    return in_place(target, lambda x: _tensor(draw(random.generator()), x.dtype, x.device))
