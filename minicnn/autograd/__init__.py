"""Automatic differentiation. Read in this order: `primitive.py`, `tape.py`, `tensor.py`, `engine.py`.

A `Primitive` is a function on arrays with a gradient rule for each input. A call on tensors is recorded on the tape.
The backward pass visits the recorded calls in reverse order and applies the rules. The rules are written with
primitives, so gradients can be differentiated again, to any order.
"""

from minicnn.autograd import function
from minicnn.autograd.engine import grad
from minicnn.autograd.function import Function
from minicnn.autograd.gradcheck import gradcheck, gradgradcheck
from minicnn.autograd.tape import (
    detect_anomaly,
    enable_grad,
    inference_mode,
    no_grad,
    set_detect_anomaly,
    set_grad_enabled,
)
from minicnn.autograd.variable import Variable

__all__ = [
    "Function",
    "Variable",
    "detect_anomaly",
    "enable_grad",
    "function",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
