"""Functions of functions: gradients, Jacobians, maps over batches, and calls of modules with other parameters."""

from minicnn.func.functional_call import functional_call, stack_module_state
from minicnn.func.transforms import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, linearize, vjp
from minicnn.func.vmap import vmap

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "stack_module_state",
    "vjp",
    "vmap",
]
