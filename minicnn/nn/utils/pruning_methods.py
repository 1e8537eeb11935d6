"""Pruning methods: classes that compute masks, and hooks that multiply a parameter by its mask before every forward."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, OutOfRangeError, ShapeError
from minicnn.nn.module import Module
from minicnn.ops.create import ones, ones_like
from minicnn.ops.reduce import norm
from minicnn.ops.sampling import rand

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "hooks_of",
]


class BasePruningMethod(ABC):
    """The base class of pruning methods, and the hook that they put on a module.

    A method defines `compute_mask`. Its `PRUNING_TYPE` says what it sees of a tensor that is pruned already:
    "unstructured" the elements that are left, as a vector; "structured" the slices along `dim` that are left; "global"
    everything.
    """

    PRUNING_TYPE: ClassVar[str] = "unstructured"
    _tensor_name: str
    dim: int

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the mask of zeros and ones for a tensor, which may be pruned by `default_mask` already."""

    def apply_mask(self, module: Any) -> Tensor:
        """Return the pruned tensor of a module."""
        original = getattr(module, f"{self._tensor_name}_orig")
        pruned: Tensor = getattr(module, f"{self._tensor_name}_mask").to(original.dtype) * original
        return pruned

    @classmethod
    def apply(
        cls, module: Any, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> "BasePruningMethod":
        """Prune the tensor `name` of a module, and return the hook.

        Parameters
        ----------
        module : Module
        name : str
        importance_scores : Tensor, shape of the tensor, optional
            The mask is computed from them instead of the tensor.
        *args, **kwargs
            Of the method's constructor.

        Raises
        ------
        ShapeError
            If the scores have another shape.
        """
        method = cls(*args, **kwargs)
        method._tensor_name = name
        now: Tensor = getattr(module, name)
        scores = now if importance_scores is None else importance_scores
        if scores.shape != now.shape:
            raise ShapeError(f"prune: importance_scores must be {now.shape}, as {name!r} is, got {scores.shape}")
        number, before = next(iter(hooks_of(module, name).items()), (None, None))
        if before is not None:  # all of them become one hook
            method = PruningContainer(*(before if isinstance(before, PruningContainer) else [before]), method)
        default = getattr(module, f"{name}_mask", None)
        with no_grad():
            mask = method.compute_mask(scores.detach(), ones_like(now).detach() if default is None else default)
        if number is None:
            delattr(module, name)
            module.register_parameter(f"{name}_orig", now)
        else:
            del module._forward_pre_hooks[number]
        module.register_buffer(f"{name}_mask", mask)
        method(module, None)
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """Return a pruned tensor, without a module.

        Raises
        ------
        ShapeError
            If the scores have another shape.
        """
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise ShapeError(f"prune: importance_scores must have the shape {t.shape}, got {scores.shape}")
        return t * self.compute_mask(scores.detach(), ones_like(t).detach() if default_mask is None else default_mask)

    def remove(self, module: Any) -> None:
        """Make the pruned values the module's parameter again. The hook stays."""
        name = self._tensor_name
        original, values = getattr(module, f"{name}_orig"), self.apply_mask(module)
        original.data = values.detach()
        for part in (name, f"{name}_orig", f"{name}_mask"):
            delattr(module, part)
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Several methods, one after another, on one tensor."""

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: list[BasePruningMethod] = []
        if len(args) == 1 and isinstance(args[0], Iterable):
            args = tuple(args[0])
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod | None) -> None:
        """Add a method for the same tensor.

        Raises
        ------
        DTypeError
            If it is no pruning method.
        ArgumentError
            If it is for another tensor.
        """
        if method is None:
            return
        if not isinstance(method, BasePruningMethod):
            raise DTypeError(f"PruningContainer: {type(method).__name__} is no BasePruningMethod")
        name = getattr(self, "_tensor_name", method._tensor_name)
        if method._tensor_name != name:
            raise ArgumentError(f"PruningContainer: the method prunes {method._tensor_name!r}, the others {name!r}")
        self._tensor_name = name
        self._pruning_methods.append(method)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: int) -> BasePruningMethod:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the mask of the last method together with the mask before it."""
        method = self._pruning_methods[-1]
        if method.PRUNING_TYPE == "global":
            return method.compute_mask(t, default_mask)
        mask = default_mask.to(t.dtype).clone()
        if method.PRUNING_TYPE == "unstructured":
            left: Any = mask == 1
        else:
            axis = method.dim % t.ndim
            channels = mask.movedim(axis, 0).reshape(mask.shape[axis], -1).sum(1).nonzero().squeeze(1)
            left = (*(slice(None),) * axis, channels)
        mask[left] = method.compute_mask(t[left], mask[left])
        return mask


class Identity(BasePruningMethod):
    """Prune nothing; the module gets its hook and a mask of ones."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the mask that is there."""
        return default_mask


class _Amount(BasePruningMethod):
    """The base class of methods that prune a number of elements or slices, or a fraction of them.

    Raises
    ------
    DTypeError
        If the amount is no number.
    ArgumentError
        If it is negative, or a fraction above 1.
    """

    def __init__(self, amount: float) -> None:
        if not isinstance(amount, int | float):
            raise DTypeError(f"prune: amount must be an integer or a fraction, got {amount!r}")
        if amount < 0 or (isinstance(amount, float) and amount > 1):
            raise ArgumentError(f"prune: amount must be a fraction from 0 to 1 or an integer >= 0, got {amount}")
        self.amount = amount

    def _count(self, size: int) -> int:
        """Return how many of them become 0."""
        if isinstance(self.amount, int) and self.amount > size:
            raise ArgumentError(f"prune: amount={self.amount} is larger than the number that is left, {size}")
        return self.amount if isinstance(self.amount, int) else round(self.amount * size)

    def _without_smallest(self, mask: Tensor, scores: Tensor) -> Tensor:
        """Return a copy of a vector in which the elements with the smallest scores are 0."""
        mask = mask.clone()
        mask[scores.argsort(stable=True)[: self._count(len(mask))]] = 0
        return mask


class RandomUnstructured(_Amount):
    """Prune random elements."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the mask without random elements.

        Raises
        ------
        ArgumentError
            If the amount is larger than the number of elements.
        """
        return self._without_smallest(default_mask.flatten(), rand(t.numel(), device=t.device)).reshape(t.shape)


class L1Unstructured(_Amount):
    """Prune the elements with the smallest absolute values."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the mask without the smallest elements.

        Raises
        ------
        ArgumentError
            If the amount is larger than the number of elements.
        """
        return self._without_smallest(default_mask.flatten(), t.flatten().abs()).reshape(t.shape)


class _Structured(_Amount):
    """The base class of methods that prune slices along an axis."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the mask without some slices.

        Raises
        ------
        ShapeError
            If the tensor has fewer than 2 axes.
        OutOfRangeError
            If there is no axis `dim`.
        ArgumentError
            If the amount is larger than the number of slices.
        """
        if t.ndim < 2:
            raise ShapeError(f"prune: slices can be pruned of tensors with 2 or more axes only, got {t.shape}")
        if not -t.ndim <= self.dim < t.ndim:
            raise OutOfRangeError(f"prune: dim={self.dim} is no axis of {t.shape}")
        slices = t.movedim(self.dim, 0)
        kept = self._without_smallest(ones(len(slices), dtype=t.dtype, device=t.device), self._scores(slices))
        shape = [1] * t.ndim
        shape[self.dim] = -1
        return default_mask * kept.reshape(shape)

    def _scores(self, slices: Tensor) -> Tensor:
        raise NotImplementedError


class RandomStructured(_Structured):
    """Prune random slices along an axis."""

    def _scores(self, slices: Tensor) -> Tensor:
        return rand(len(slices), device=slices.device)


class LnStructured(_Structured):
    """Prune the slices along an axis that have the smallest p-norms, with p = n."""

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _scores(self, slices: Tensor) -> Tensor:
        scores: Tensor = norm(slices.reshape(len(slices), -1), self.n, 1)
        return scores


class CustomFromMask(BasePruningMethod):
    """Prune by a given mask."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the product of both masks.

        Raises
        ------
        ShapeError
            If the mask has another shape than the tensor.
        """
        if self.mask.shape != default_mask.shape:
            raise ShapeError(f"prune: mask must have the shape {default_mask.shape}, got {self.mask.shape}")
        return default_mask * self.mask.to(device=default_mask.device, dtype=default_mask.dtype)


def hooks_of(module: Module, name: str) -> dict[int, BasePruningMethod]:
    """Return the hook that prunes a tensor of a module, by its number."""
    hooks = module._forward_pre_hooks
    return {n: h for n, h in hooks.items() if isinstance(h, BasePruningMethod) and h._tensor_name == name}
