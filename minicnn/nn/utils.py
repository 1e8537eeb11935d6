"""Functions on all parameters of a model: gradient clipping, conversion to and from a vector.

The module has PyTorch's name `nn.utils`.
"""

from collections.abc import Iterable

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import AutogradError, ShapeError
from minicnn.ops.create import tensor
from minicnn.ops.indexing import cat, stack
from minicnn.ops.reduce import norm

__all__ = ["clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "vector_to_parameters"]


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    listed = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in listed if p.grad is not None]


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale all gradients in place by the same factor, so that the norm of all elements is at most `max_norm`.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
    max_norm : float
    norm_type : float
        The p of the p-norm; infinity is the largest absolute element.
    error_if_nonfinite : bool
        Raise an error if the norm is NaN or infinite, instead of scaling by it.

    Returns
    -------
    Tensor, (), the norm before scaling

    Raises
    ------
    AutogradError
        If the norm is not finite and `error_if_nonfinite` is set.

    References
    ----------
    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013, algorithm 1.
    """
    gradients = _gradients(parameters)
    if not gradients:
        return tensor(0.0)
    with no_grad():
        total = norm(stack([norm(g, norm_type) for g in gradients]), norm_type)
        if error_if_nonfinite and not total.isfinite().item():
            raise AutogradError(
                f"clip_grad_norm_: the norm of the gradients is {total.item()}; look for the cause with "
                "minicnn.detect_anomaly()"
            )
        factor = (max_norm / (total + 1e-6)).clamp(max=1.0)
        for g in gradients:
            g.mul_(factor)
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Clamp every element of every gradient to [-clip_value, clip_value], in place."""
    with no_grad():
        for g in _gradients(parameters):
            g.clamp_(-clip_value, clip_value)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Concatenate all parameters, flattened, to a vector."""
    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Copy a vector, as `parameters_to_vector` returns it, into the parameters.

    Raises
    ------
    ShapeError
        If the vector and the parameters have different numbers of elements.
    """
    listed = list(parameters)
    count = sum(p.numel() for p in listed)
    if vec.shape != (count,):
        raise ShapeError(f"vector_to_parameters: the parameters hold {count} numbers, the vector is {vec.shape}")
    start = 0
    with no_grad():
        for p in listed:
            p.copy_(vec[start : start + p.numel()].reshape(p.shape))
            start += p.numel()
