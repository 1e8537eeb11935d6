"""AdaptiveLogSoftmaxWithLoss, a softmax over many classes that spends less on rare ones."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.nn import functional as F
from minicnn.nn.container import ModuleList, Sequential
from minicnn.nn.linear import Linear
from minicnn.nn.module import Module
from minicnn.ops.create import zeros
from minicnn.ops.indexing import cat
from minicnn.ops.scatter import gather
from minicnn.ops.slices import index_copy, index_fill
from minicnn.runtime.devices import Device

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class _Output(NamedTuple):
    """The logarithms of the targets' probabilities, and their negative mean."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Classes are sorted by frequency. The head knows the frequent ones, and one number for each cluster of others.

    The logarithm of a rare class's probability is that of its cluster in the head, plus that of the class in the
    cluster. Each cluster first makes the vectors shorter.

    Parameters
    ----------
    in_features : int
    n_classes : int
        The numbers of the classes go from the most frequent one to the rarest.
    cutoffs : sequence of int
        The clusters begin at these classes.
    div_value : float
        Cluster i makes vectors shorter by the factor div_value^(i + 1).
    head_bias : bool
        The head adds a bias.
    device, dtype
        Of the parameters.

    Attributes
    ----------
    head : Linear
    tail : ModuleList
        Two linear layers for each cluster.

    Raises
    ------
    ArgumentError
        If the cutoffs are not rising integers from 1 to n_classes - 1.
    ShapeError
        If the vectors of a cluster would have no elements.

    References
    ----------
    Grave et al., "Efficient softmax approximation for GPUs", 2017.

    Examples
    --------
    >>> import minicnn
    >>> layer = AdaptiveLogSoftmaxWithLoss(16, 1000, cutoffs=[10, 100], div_value=2.0)
    >>> output, loss = layer(minicnn.zeros(3, 16), minicnn.tensor([0, 50, 999]))
    >>> output.shape, layer.log_prob(minicnn.zeros(3, 16)).shape
    ((3,), (3, 1000))
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        limits = [0, *cutoffs, n_classes]
        rising = all(a < b for a, b in pairwise(limits))
        if len(limits) < 3 or not rising or any(not isinstance(c, int) for c in limits):
            raise ArgumentError(
                f"AdaptiveLogSoftmaxWithLoss: cutoffs must be rising integers from 1 to n_classes - 1, at least one; "
                f"got {list(cutoffs)} for {n_classes} classes"
            )
        self.in_features, self.n_classes, self.cutoffs = in_features, n_classes, limits[1:]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size, self.n_clusters = limits[1], len(limits) - 2
        self.head_size = self.shortlist_size + self.n_clusters
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, head_bias, **place)
        self.tail = ModuleList()
        for i, (low, high) in enumerate(self._clusters()):
            width = int(in_features // div_value ** (i + 1))
            self.tail.append(
                Sequential(Linear(in_features, width, False, **place), Linear(width, high - low, False, **place))
            )

    def _clusters(self) -> list[tuple[int, int]]:
        """Return the first class of each cluster and the one after the last."""
        return list(pairwise(self.cutoffs))

    def reset_parameters(self) -> None:
        """Draw the parameters of all linear layers."""
        for module in self.modules():
            if isinstance(module, Linear):
                module.reset_parameters()

    def forward(self, input: Tensor, target: Tensor) -> _Output:
        """Return the logarithms of the targets' probabilities, and the loss, their negative mean.

        Parameters
        ----------
        input : Tensor, (N, in_features) or (in_features,)
        target : Tensor of integers, (N,) or ()

        Raises
        ------
        ShapeError
            If the shapes do not fit, or a target is not from 0 to n_classes - 1.
        """
        call = "AdaptiveLogSoftmaxWithLoss"
        if target.ndim > 1 or input.shape[:-1] != target.shape:
            raise ShapeError(f"{call}: give (N, in_features) and (N,), got {input.shape} and {target.shape}")
        x, labels = (input, target) if target.ndim else (input.unsqueeze(0), target.unsqueeze(0))
        in_range = (labels >= 0) & (labels < self.n_classes)
        if not in_range.all():
            raise ShapeError(f"{call}: targets must be from 0 to {self.n_classes - 1}, got {target.tolist()}")
        places, rare = labels, zeros(len(x), dtype=x.dtype, device=x.device)
        for i, (low, high) in enumerate(self._clusters()):
            rows = ((labels >= low) & (labels < high)).nonzero().squeeze(1)
            if len(rows):
                inside = F.log_softmax(self.tail[i](x[rows]), 1)
                rare = index_copy(rare, 0, rows, gather(inside, 1, (labels[rows] - low).unsqueeze(1)).squeeze(1))
                places = index_fill(places, 0, rows, self.shortlist_size + i)
        output = gather(F.log_softmax(self.head(x), 1), 1, places.unsqueeze(1)).squeeze(1) + rare
        loss = -output.mean()
        return _Output(output if target.ndim else output.squeeze(0), loss)

    def log_prob(self, input: Tensor) -> Tensor:
        """Return the logarithms of the probabilities of all classes, (N, in_features) -> (N, n_classes)."""
        head = F.log_softmax(self.head(input), 1)
        parts = [head[:, : self.shortlist_size]]
        for i, cluster in enumerate(self.tail):
            column = self.shortlist_size + i
            parts.append(head[:, column : column + 1] + F.log_softmax(cluster(input), 1))
        return cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """Return the most probable class of each row, (N, in_features) -> (N,)."""
        return self.log_prob(input).argmax(1)
