"""Gradient clipping: by the norm of all gradients, or element by element."""

from collections.abc import Iterable

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import AutogradError
from minicnn.ops.comparison import logical_and, where
from minicnn.ops.create import ones_like, tensor
from minicnn.ops.indexing import stack
from minicnn.ops.reduce import norm

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]

Tensors = Tensor | Iterable[Tensor]


def _gradients(parameters: Tensors) -> list[Tensor]:
    listed = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in listed if p.grad is not None]


def _norm_of_norms(tensors: list[Tensor], norm_type: float) -> Tensor:
    return norm(stack([norm(t.flatten(), norm_type) for t in tensors]), norm_type)


def get_total_norm(
    tensors: Tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """Return the norm of all elements of all tensors, as if they were one vector; 0 for no tensor.

    Where squares of large elements overflow, the norm of the elements divided by the largest one is used. PyTorch
    returns infinity there.

    Parameters
    ----------
    tensors : Tensor or iterable of Tensor
    norm_type : float
        The p of the p-norm; infinity is the largest absolute element.
    error_if_nonfinite : bool
        Raise an error if the norm is NaN or infinite.
    foreach
        No effect.

    Raises
    ------
    AutogradError
        If the norm is not finite and `error_if_nonfinite` is set.
    """
    listed = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    if not listed:
        return tensor(0.0)
    on_host = listed[0].device.on_host  # a GPU would have to wait for the answer, so there both norms are computed
    total = _norm_of_norms(listed, norm_type)
    filled = [t for t in listed if t.numel()]
    if filled and not (on_host and total.isfinite().item()):
        largest = _norm_of_norms(filled, float("inf"))
        scale = where(logical_and(largest.isfinite(), largest > 0), largest, ones_like(largest))
        total = where(total.isfinite(), total, _norm_of_norms([t / scale for t in filled], norm_type) * scale)
    if error_if_nonfinite and not total.isfinite().item():
        raise AutogradError(
            f"get_total_norm: the norm of the gradients is {total.item()}; look for the cause with "
            "minicnn.detect_anomaly()"
        )
    return total


def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Multiply all gradients in place by max_norm / total_norm, if it is below 1; `foreach` has no effect."""
    with no_grad():
        factor = (max_norm / (total_norm + 1e-6)).clamp(max=1.0)
        for g in _gradients(parameters):
            g.mul_(factor.to(g.device))


def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
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
    foreach
        No effect.

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
    listed = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    with no_grad():
        total = get_total_norm(_gradients(listed), norm_type, error_if_nonfinite)
        clip_grads_with_norm_(listed, max_norm, total)
    return total


def clip_grad_norm(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Call `clip_grad_norm_`, whose older name this is."""
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Clamp every element of every gradient to [-clip_value, clip_value], in place; `foreach` has no effect."""
    with no_grad():
        for g in _gradients(parameters):
            g.clamp_(-clip_value, clip_value)
