"""Parametrizations of weights: weight normalisation, spectral normalisation, orthogonal matrices."""

import numpy as np

from minicnn.autograd.tape import no_grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.nn.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from minicnn.nn.functional import normalize
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.nn.utils.parametrize import register_parametrization
from minicnn.nn.utils.weight_norm import norm_except_dim
from minicnn.ops.create import eye, tensor, zeros
from minicnn.ops.indexing import cat, stack
from minicnn.ops.linalg import dot, matmul, mT, mv
from minicnn.ops.matrices import qr, solve
from minicnn.ops.matrix_products import matrix_exp
from minicnn.ops.sampling import randn
from minicnn.ops.triangles import tril

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

MAPS = ("matrix_exp", "cayley", "householder")


class _WeightNorm(Module):
    """w = g v / ‖v‖; original0 is g, and original1 is v."""

    def __init__(self, dim: int | None) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / norm_except_dim(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, self.dim), weight


class _SpectralNorm(Module):
    """w / σ with σ = uᵀ W v; each forward in training makes steps of the power iteration for u and v."""

    def __init__(self, weight: Tensor, n_power_iterations: int, eps: float, dim: int) -> None:
        super().__init__()
        self.dim = dim % weight.ndim
        self.n_power_iterations, self.eps = n_power_iterations, eps
        if weight.ndim > 1:
            with no_grad():
                matrix = self._matrix(weight.detach())
                for name, count in zip(("_u", "_v"), matrix.shape, strict=True):
                    start = randn(count, dtype=weight.dtype, device=weight.device)
                    self.register_buffer(name, normalize(start, dim=0, eps=eps))
            self._iterate(matrix, 15)

    def _matrix(self, weight: Tensor) -> Tensor:
        rows = weight.movedim(self.dim, 0)
        return rows.reshape(len(rows), -1)

    def _iterate(self, matrix: Tensor, steps: int) -> None:
        with no_grad():
            for _ in range(steps):
                self._u.copy_(normalize(mv(matrix, self._v), dim=0, eps=self.eps))
                self._v.copy_(normalize(mv(matrix.T, self._u), dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._iterate(matrix.detach(), self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # the gradient needs their values after the next iteration too
        return weight / dot(u, mv(matrix, v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


class _Orthogonal(Module):
    """A matrix with orthonormal columns (or rows, if it is wide), from the entries of any matrix."""

    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        wide = X.shape[-2] < X.shape[-1]
        x = mT(X) if wide else X
        y = _reflections(x) if self.orthogonal_map == "householder" else self._from_skew(x)
        base = getattr(self, "base", None)
        if base is not None:
            y = matmul(base, y)
        return mT(y) if wide else y

    def _from_skew(self, x: Tensor) -> Tensor:
        """Map the lower triangle to an orthogonal matrix, through a matrix a with aᵀ = -a."""
        n, k = x.shape[-2:]
        lower = tril(x)
        if n != k:
            lower = cat([lower, zeros(*x.shape[:-1], n - k, dtype=x.dtype, device=x.device)], -1)
        a = lower - mT(lower)
        if self.orthogonal_map == "matrix_exp":
            y = matrix_exp(a)
        else:
            one = eye(n, dtype=x.dtype, device=x.device)
            y = solve(one - a / 2, one + a / 2)
        return y[..., :k]

    def right_inverse(self, Q: Tensor) -> Tensor:
        wide = Q.shape[-2] < Q.shape[-1]
        q = (mT(Q) if wide else Q).detach()
        n, k = q.shape[-2:]
        if hasattr(self, "base"):
            rest = randn(*q.shape[:-1], n - k, dtype=q.dtype, device=q.device)
            self.base = _orthonormal(cat([q, rest], -1))
            rows, columns = Q.shape[-2:]
            return -eye(rows, columns, dtype=Q.dtype, device=Q.device).expand(Q.shape).clone()
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                f"orthogonal: no matrix is known that {self.orthogonal_map!r} maps to this one; pass "
                "orthogonal_map='householder' or use_trivialization=True"
            )
        x = _householder_vectors(q)
        return mT(x) if wide else x


def _orthonormal(x: Tensor) -> Tensor:
    """Return the orthogonal matrix of the QR decomposition whose R has a positive diagonal."""
    q, r = qr(x)
    return q * r.diagonal(0, -2, -1).sign().unsqueeze(-2)


def _reflections(x: Tensor) -> Tensor:
    """Return the first columns of the product of 1 - τ v vᵀ with τ = 2 / ‖v‖², times the signs on x's diagonal.

    The vectors v are the columns of x below the diagonal, each after a 1.
    """
    n, k = x.shape[-2:]
    one = eye(n, k, dtype=x.dtype, device=x.device)
    v = tril(x, -1) + one
    tau = 2 / (v * v).sum(-2)
    y = one.expand(x.shape)
    for i in reversed(range(k)):
        column = v[..., i : i + 1]
        y = y - tau[..., i : i + 1].unsqueeze(-1) * matmul(column, matmul(mT(column), y))
    return y * x.diagonal(0, -2, -1).int().unsqueeze(-2)


def _householder_vectors(q: Tensor) -> Tensor:
    """Return the matrix that `_reflections` maps to a matrix with orthonormal columns."""
    n, k = q.shape[-2:]
    found = []
    for matrix in q.detach().cpu().numpy().reshape(-1, n, k):
        packed, tau = np.linalg.qr(matrix, mode="raw")
        x = packed.T.copy()
        signs = np.where(np.diagonal(x) < 0, -1.0, 1.0)
        x[np.arange(k), np.arange(k)] = np.where(tau == 0, -signs, signs)
        found.append(tensor(x, dtype=q.dtype, device=q.device))
    return stack(found, 0).reshape(q.shape)


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Module:
    """Keep the columns of a layer's weight orthonormal (its rows, if it is wide), and return the layer.

    Parameters
    ----------
    module : Module
    name : str
        The name of the parameter, (..., n, k); its matrices are in the last two axes.
    orthogonal_map : "matrix_exp", "cayley" or "householder", optional
        With a = the lower triangle - its transpose: exp(a), or (1 - a/2)⁻¹ (1 + a/2); or a product of reflections. By
        default "matrix_exp" for square matrices, otherwise "householder".
    use_trivialization : bool
        Multiply by a fixed orthogonal matrix `base`, the one next to the weight before. Then training starts at the
        identity, which is better conditioned.

    Raises
    ------
    ArgumentError
        If there is no such parameter, or the map is unknown.
    ShapeError
        If the parameter has fewer than 2 axes.

    References
    ----------
    Lezcano-Casado, "Trivializations for gradient-based optimization on manifolds", 2019.

    Examples
    --------
    >>> import minicnn
    >>> layer = orthogonal(minicnn.nn.Linear(3, 5))
    >>> bool(minicnn.allclose(layer.weight.T @ layer.weight, minicnn.eye(3), atol=1e-5))
    True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ArgumentError(f"orthogonal: {type(module).__name__} has no parameter or buffer {name!r}")
    if weight.ndim < 2:
        raise ShapeError(f"orthogonal: {name!r} must have 2 or more axes, got {weight.shape}")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder"
    if orthogonal_map not in MAPS:
        raise ArgumentError(f"orthogonal: orthogonal_map must be one of {', '.join(MAPS)}, got {orthogonal_map!r}")
    return register_parametrization(module, name, _Orthogonal(weight, orthogonal_map, use_trivialization), unsafe=True)


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Compute a layer's weight as w = g v / ‖v‖, and return the layer.

    g is the parameter `parametrizations.weight.original0`, v is `parametrizations.weight.original1`.

    Parameters
    ----------
    module : Module
    name : str
        The name of the parameter.
    dim : int, optional
        Each slice along this axis has a norm of its own; None: there is one norm.

    Raises
    ------
    ArgumentError
        If there is no such parameter.

    References
    ----------
    Salimans and Kingma, "Weight normalization: a simple reparameterization to accelerate training of deep neural
    networks", 2016.
    """
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a layer's weight by its largest singular value, and return the layer.

    Parameters
    ----------
    module : Module
    name : str
        The name of the parameter; it moves to `parametrizations.weight.original`.
    n_power_iterations : int
        Steps of the power iteration in each forward in training; 15 at first.
    eps : float
        Prevents a division by 0.
    dim : int, optional
        The axis of the output channels. Default: 1 for transposed convolutions, otherwise 0.

    Raises
    ------
    ArgumentError
        If there is no such parameter, or `n_power_iterations` is below 1.

    References
    ----------
    Miyato et al., "Spectral normalization for generative adversarial networks", 2018.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Parameter | Tensor):
        raise ArgumentError(f"spectral_norm: {type(module).__name__} has no parameter or buffer {name!r}")
    if n_power_iterations < 1:
        raise ArgumentError(f"spectral_norm: n_power_iterations must be at least 1, got {n_power_iterations}")
    if dim is None:
        dim = int(isinstance(module, ConvTranspose1d | ConvTranspose2d | ConvTranspose3d))
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, eps, dim))
