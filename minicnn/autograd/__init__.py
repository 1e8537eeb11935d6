"""Automatic differentiation. Read in this order: `primitive.py`, `tape.py`, `tensor.py`, `engine.py`.

A `Primitive` is a function on arrays with a gradient rule for each input. A call on tensors is recorded on the tape.
The backward pass visits the recorded calls in reverse order and applies the rules. The rules are written with
primitives, so gradients can be differentiated again, to any order.
"""

from minicnn.autograd import function
from minicnn.autograd.engine import grad
from minicnn.autograd.function import Function
from minicnn.autograd.gradcheck import gradcheck, gradgradcheck

__all__ = ["Function", "function", "grad", "gradcheck", "gradgradcheck"]
