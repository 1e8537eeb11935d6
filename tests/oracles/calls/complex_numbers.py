"""Complex numbers: parts, arithmetic, functions, promotion, gradients of first and second order."""

__all__ = ["CALLS", "START"]

START = """
nan, inf = float("nan"), float("inf")
t = torch.tensor
z = t([1 + 2j, -3 + 0.5j, 0.5 - 1j])
w = t([[2 - 1j, 0.25j, -1 + 1j], [1 + 1j, 3 + 0j, -2 - 2j]])
d = z.to(torch.complex128)
r, r64, n, b = t([1.0, -2.0, 0.5]), t([1.0, 2.0, 3.0], dtype=torch.float64), t([1, 2, 3]), t([True, False, True])
zero = t([0j, 1j])
m = t([[1 + 1j, 2 - 1j], [0.5j, 3 + 0j]])
x = d.clone().requires_grad_()
y = t([0.5 + 0.5j, 1 - 2j, -1 + 0.25j], dtype=torch.complex128, requires_grad=True)
q = t([[1 + 1j, 2 - 1j], [0.5j, 3 + 0j]], dtype=torch.complex128, requires_grad=True)
v = t([1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)
pairs = t([[1.0, 2.0], [3.0, -1.0], [0.5, 0.25]], requires_grad=True)
image = torch.complex(torch.arange(24.0).reshape(1, 2, 3, 4) % 7, torch.arange(24.0).reshape(1, 2, 3, 4) % 5)
kernel = torch.complex(torch.arange(16.0).reshape(2, 2, 2, 2) % 3, torch.arange(16.0).reshape(2, 2, 2, 2) % 4)
empty = torch.zeros(0, dtype=torch.complex64)

def names_of(*types):
    return [str(k).removeprefix("torch.") for k in types]

def names(*tensors):
    return names_of(*(x.dtype for x in tensors))

def g(out, *inputs):
    # gradients of a real function of the result, and gradients of these
    loss = (out.abs() ** 2).sum() + (out * (0.5 - 0.25j)).real.sum()
    first = torch.autograd.grad(loss, inputs, create_graph=True)
    total = sum((p.abs() ** 2).sum() for p in first)
    second = torch.autograd.grad(total, inputs, allow_unused=True) if total.requires_grad else None
    return out, first, second

def g1(out, *inputs):
    return out, torch.autograd.grad((out.abs() ** 2).sum(), inputs)

def written(view, value):
    p = z.clone()
    view(p)[...] = value
    return p

def written_gradient(view):
    p = x * 1
    view(p).mul_(v)
    return g(p, x, v)

def set_real():
    p = z.clone()
    p.real = r
    p.imag = 2 * r
    return p

def set_element(value):
    p = z.clone()
    p[1] = value
    return p

def set_in_float(value):
    p = r.clone()
    p[1] = value
    return p

def backward_of(out, *gradient):
    x.grad = None
    out.backward(*gradient)
    return x.grad

def in_place(name, *arguments):
    p = z.clone()
    getattr(p, name)(*arguments)
    return p

def shared():
    p = z.clone()
    torch.view_as_real(p)[0, 1] = 9
    return p

def descended(optimizer, **options):
    p = t([1 + 1j, -2j], requires_grad=True)
    o = optimizer([p], lr=0.1, **options)

    def closure():
        o.zero_grad()
        loss = ((p - (3 - 1j)).abs() ** 2).sum()
        loss.backward()
        return loss

    for _ in range(3):
        o.step(closure)
    return p

class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2j

    @staticmethod
    def backward(ctx, grad):
        return grad * -2j

def clipped(clip):
    p = t([1 + 1j, -2j], requires_grad=True)
    (p.abs() ** 2).sum().backward()
    return clip([p]), p.grad
"""

CALLS = tuple(
    """
z
t(1j)
t([1, 2.5, 3j])
t([[1 + 1j], [2]])
t([1.0, 2.0], dtype=torch.complex64)
t([1j], dtype=torch.complex128)
torch.zeros(2, dtype=torch.complex64)
torch.ones(2, 2, dtype=torch.cfloat)
torch.full((2,), 1 + 2j)
torch.full((2,), 2.0, dtype=torch.cdouble)
torch.full_like(z, 3)
torch.zeros_like(z), torch.ones_like(z)
torch.eye(2, dtype=torch.complex64)
torch.is_complex(z), torch.is_complex(r), z.is_complex(), z.is_floating_point(), torch.is_signed(z)
torch.complex(r, 2 * r)
torch.complex(r64, r64)
torch.complex(r, r64)
torch.complex(n, n)
torch.complex(r, t(2.0))
torch.polar(t([1.0, 2.0]), t([0.5, -2.0]))
z.real, z.imag
torch.real(z), torch.imag(z)
torch.real(r)
torch.imag(r)
r.real
r.imag
z.conj(), r.conj(), n.conj()
torch.conj(z), torch.conj_physical(z)
z.conj().resolve_conj(), z.resolve_neg()
z.is_conj()
z.angle(), r.angle(), n.angle(), t([-1, 0, 2]).angle()
t([nan, -0.0, -inf]).angle()
z.abs(), abs(z), d.abs()
torch.absolute(z)
z.sgn(), zero.sgn(), r.sgn()
torch.isreal(z), torch.isreal(t([1 + 0j, 1j])), torch.isreal(r)
torch.view_as_real(z)
torch.view_as_real(w)
torch.view_as_real(w.T)
torch.view_as_real(r)
torch.view_as_complex(pairs.detach())
torch.view_as_complex(torch.arange(12.0).reshape(2, 3, 2))
torch.view_as_complex(torch.arange(12.0).reshape(2, 2, 3))
torch.view_as_complex(torch.arange(12.0).reshape(2, 6).T[:2].T)
torch.view_as_complex(torch.arange(4).reshape(2, 2))
torch.view_as_complex(t(1.0))
z + z, z - z * 2, z * w, w / z
z + r, r + z, z * r, z / r, r / z, r - z
z + r64, d + r, z * n, n * z, z + b
z + 1, z * 2.5, 2 - z, 1 / z, z + 1j, 1j * z, z / (1 - 1j)
r * 1j, r64 * 1j, n * 1j, n + (1 + 1j), b * 1j
t(1j) * r64, t(1j, dtype=torch.complex128) * r, t(1.5, dtype=torch.float64) * z
-z, +z, z ** 2, z ** 3, z ** -1, z ** 0.5, z ** (1 + 1j), z ** z
2 ** z, 2.0 ** z, 1j ** r, r ** (1j)
torch.pow(w, 2), torch.square(z), torch.reciprocal(z)
torch.add(z, z, alpha=2), torch.sub(z, z, alpha=0.5)
torch.addcmul(z, z, z, value=0.5)
torch.addcdiv(z, z, z, value=2)
z == z, z != t([1 + 2j, 0j, 0j]), z == 1
z < z
z > 1
torch.maximum(z, z)
z.max()
z.argmax()
z.sort()
z.clamp(0, 1)
z.floor()
z.round()
z.sign()
z % 2
z // 2
torch.relu(z)
torch.atan2(z, z)
~z
z & z
int(t(1 + 1j))
t(2 + 1j).item(), z.tolist()
bool(t(1j)), bool(t(0j))
complex(t(1 + 2j))
z.sum(), w.sum(0), w.sum(1, keepdim=True), w.mean(), w.mean(1)
z.prod(), w.prod(1), z.cumsum(0), w.cumprod(1)
w.var(), w.var(1), w.std(), w.var(0, unbiased=False)
z.norm(), w.norm(dim=1), z.norm(1), z.norm(inf)
torch.linalg.vector_norm(w), torch.linalg.vector_norm(w, 1, 1), torch.linalg.matrix_norm(w)
z.all(), zero.all(), zero.any()
torch.isnan(t([complex(nan, 1), 1j])), torch.isfinite(t([complex(1, inf), 1j])), torch.isinf(t([complex(1, inf), 1j]))
torch.allclose(z, z + 1e-9), torch.isclose(z, z + 1), torch.equal(z, z)
torch.exp(z), torch.log(z), torch.sqrt(z), torch.rsqrt(z), torch.expm1(z), torch.log1p(z)
torch.sin(z), torch.cos(z), torch.tan(z), torch.sinh(z), torch.cosh(z), torch.tanh(z)
torch.asin(z), torch.acos(z), torch.atan(z), torch.asinh(z), torch.acosh(z), torch.atanh(z)
torch.log2(z), torch.log10(z), torch.exp2(z)
torch.exp(1j * r)
m @ m, m @ z[:2], z[:2] @ m, torch.dot(z, z), torch.vdot(z, z), torch.mv(m, z[:2]), torch.outer(z, z)
torch.mm(m, m), torch.bmm(m[None], m[None]), torch.einsum("ij,jk->ik", m, m), torch.einsum("i,i->", z, z)
torch.matmul(m, m.real)
torch.nn.functional.linear(z[None, :2], m)
m.T, m.mT, m.mH, m.H, m.adjoint(), torch.adjoint(m)
z.H
torch.inverse(m), torch.linalg.inv(m), torch.linalg.solve(m, z[:2]), torch.linalg.det(m), torch.det(m)
w.reshape(3, 2), w.flatten(), w.permute(1, 0), w[0], w[:, 1], w[:, -1], w.flip(1), w[b[:2]], w[[1, 0]]
torch.cat([z, z]), torch.stack([z, z]), torch.cat([z, r]), torch.where(b, z, 0), torch.where(b, z, r)
z.repeat(2), z.expand(2, 3), z[None], torch.roll(z, 1), w.unbind(0), torch.tril(m), torch.diag(m), torch.diag(z[:2])
torch.nn.functional.pad(z, (1, 2)), torch.nn.functional.pad(z, (1, 2), value=3)
torch.gather(w, 1, t([[0, 2], [1, 1]])), torch.index_select(w, 1, t([0, 2])), torch.take(w, t([0, 4]))
torch.zeros(3, dtype=torch.complex64).scatter_add(0, t([0, 0, 2]), z)
torch.zeros(3, dtype=torch.complex64).index_add(0, t([0, 0, 2]), z)
z.masked_fill(b, 1j), z.masked_select(b), torch.nonzero(zero), torch.count_nonzero(zero)
z.to(torch.complex128), z.to(torch.float32), z.to(torch.int64), r.to(torch.complex64), n.to(torch.complex64)
z.double()
r.cfloat()
z.type(torch.complex128)
z.numel(), z.shape, empty.sum(), empty * 2, empty.abs()
names(z + r64, r64 * t(1j), r * 1j, n * 1j)
names_of(torch.promote_types(torch.complex64, torch.float64), torch.promote_types(torch.int64, torch.complex64))
names_of(torch.result_type(z, r64), torch.result_type(r, 1j), torch.result_type(r64, t(1j)))
torch.can_cast(torch.complex64, torch.float32), torch.can_cast(torch.float64, torch.complex64)
written(lambda p: p.real, 5.0)
written(lambda p: p.imag, r)
written(torch.view_as_real, 1.0)
written(lambda p: p, 2 - 1j)
written_gradient(lambda p: p.real)
written_gradient(lambda p: p.imag)
set_real()
set_element(7j)
set_element(2)
set_element(t(1 + 1j))
set_in_float(1j)
shared()
in_place("mul_", 2)
in_place("add_", 1j)
in_place("mul_", z)
in_place("div_", r)
in_place("fill_", 1 - 1j)
in_place("zero_")
in_place("exp_")
in_place("copy_", r)
r.clone().mul_(1j)
r.clone().add_(z)
x.requires_grad, x.grad
t([1, 2]).requires_grad_()
backward_of(x.abs().sum())
backward_of((x * x.conj()).real.sum())
backward_of((x ** 2).real.sum())
backward_of((x ** 2).imag.sum())
backward_of(x.sum())
backward_of(x.sum(), t(1 + 0j))
backward_of(x * 2, t([1j, 1, 2 - 1j]))
g(x.abs(), x)
g(x.angle(), x)
g(x.sgn(), x)
g(x.real, x)
g(x.imag, x)
g(x.conj(), x)
g(x * y, x, y)
g(x / y, x, y)
g(x - 2 * y, x, y)
g(x * v, x, v)
g(v / x, x, v)
g(x + v, x, v)
g(v * (1 - 2j), v)
g(1 / x, x)
g(x ** 2, x)
g(x ** 3, x)
g(x ** -2, x)
g(x ** 1.5, x)
g(x ** (1 + 1j), x)
g(x ** y, x, y)
g(2.0 ** x, x)
g(torch.square(x), x)
g(torch.exp(x), x)
g(torch.log(x), x)
g(torch.sqrt(x), x)
g(torch.rsqrt(x), x)
g1(torch.expm1(x), x)
g(torch.log1p(x), x)
g(torch.sin(x), x)
g(torch.cos(x), x)
g(torch.tan(x), x)
g(torch.sinh(x), x)
g(torch.cosh(x), x)
g(torch.tanh(x), x)
g1(torch.asin(x), x)
g1(torch.acos(x), x)
g(torch.atan(x), x)
g1(torch.asinh(x), x)
g1(torch.acosh(x), x)
g(torch.atanh(x), x)
g(torch.log2(x), x)
g(torch.log10(x), x)
g(torch.exp2(x), x)
g(x.sum(), x)
g(x.mean(), x)
g(x.prod(), x)
g(x.cumsum(0), x)
g(x.cumprod(0), x)
g(q @ q, q)
g(q @ x[:2], q, x)
g(torch.linalg.inv(q), q)
g(torch.linalg.det(q), q)
g(torch.linalg.solve(q, x[:2]), q, x)
g(torch.einsum("ij,j->i", q, x[:2]), q, x)
g(q.mH, q)
g(q.T[0], q)
g(q.reshape(4)[1:3], q)
g(torch.cat([x, y]), x, y)
g(torch.where(b, x, y), x, y)
g(x[t([0, 0, 2])], x)
g(torch.nn.functional.pad(x, (1, 1)), x)
g(x.masked_fill(b, 0), x)
g(x.var(), x)
g(x.norm(), x)
g(torch.linalg.vector_norm(q, dim=0), q)
g(torch.complex(v, v * 2), v)
g(torch.polar(v.abs(), v), v)
g(torch.view_as_complex(pairs), pairs)
g(torch.view_as_complex(pairs) * x, pairs, x)
g(torch.view_as_real(x), x)
g(v.to(torch.complex128), v)
g(z.clone().requires_grad_() * x, x)
g(x.real.to(torch.float32), x)
(t([0j, 1 + 1j], requires_grad=True).abs()).sum()
torch.autograd.grad(t([0j, 1 + 1j], requires_grad=True).abs().sum(), x, allow_unused=True)
descended(optim.SGD)
descended(optim.SGD, momentum=0.9)
g(torch.complex(v[:, None], v * 2), v)
g(torch.polar(v[:, None] ** 2, v), v)
g(torch.complex(v[0], v), v)
descended(optim.Adam), descended(optim.Adam, amsgrad=True, weight_decay=0.1), descended(optim.AdamW)
descended(optim.RMSprop, centered=True, momentum=0.9), descended(optim.Adagrad), descended(optim.Adadelta)
descended(optim.NAdam), descended(optim.RAdam), descended(optim.Adamax), descended(optim.ASGD), descended(optim.Rprop)
descended(lambda p, lr: optim.LBFGS(p, lr=lr))
clipped(lambda p: torch.nn.utils.clip_grad_norm_(p, 1.5))
clipped(lambda p: torch.nn.utils.clip_grad_norm_(p, 1.5, norm_type=1))
clipped(lambda p: torch.nn.utils.clip_grad_norm_(p, 1.5, norm_type=inf))
clipped(lambda p: torch.nn.utils.clip_grad_value_(p, 1.5))
torch.nn.utils.parameters_to_vector([z, w])
torch.nn.Parameter(z), torch.nn.Parameter(z).requires_grad
torch.nn.functional.dropout(z, 0.0), torch.nn.functional.dropout(z, 0.5, training=False)
torch.nn.functional.mse_loss(z, z)
torch.nn.functional.l1_loss(z, z * 2)
torch.nn.functional.normalize(z, dim=0)
torch.nn.functional.conv1d(z[None, None], z[None, None])
torch.nn.functional.avg_pool1d(z[None], 2)
torch.nn.functional.tanh(z), torch.sigmoid(z), z.sigmoid()
torch.nn.functional.softmax(z, 0)
torch.nn.functional.conv2d(image, kernel), torch.nn.functional.conv2d(image, kernel, stride=2, padding=1)
torch.nn.functional.conv2d(image, kernel, t([1j, 2]))
torch.nn.functional.conv_transpose2d(image, kernel.transpose(0, 1), t([1j, 2]))
torch.nn.functional.conv2d(image, kernel[:, :1], groups=2), torch.nn.functional.conv2d(image[0], kernel)
torch.nn.functional.conv2d(image, kernel.real)
g(torch.nn.functional.conv1d(x[None], y[None, None, :2]), x, y)
g(torch.nn.functional.conv_transpose1d(x[None, None], y[None, None, :2], x[:1]), x, y)
names(torch.randn(2, dtype=torch.complex64), torch.rand(2, dtype=torch.complex128), torch.rand_like(z))
torch.nn.Linear(3, 2, dtype=torch.complex64)(w).shape, torch.nn.Conv2d(2, 3, 2, dtype=torch.complex64)(image).shape
names(torch.nn.Linear(3, 2).to(torch.complex64).weight)
names(torch.nn.Linear(3, 2, dtype=torch.complex64).double().weight)
torch.nn.Sequential(torch.nn.Conv2d(2, 3, 2, dtype=torch.complex64), torch.nn.ReLU())(image)
torch.isclose(t([1j]), t([5j])), torch.allclose(z, z + 1e-9), torch.isclose(z, z + 0.01, rtol=0.0, atol=0.1)
t([complex(inf, nan)]).nan_to_num(nan=1.0, posinf=5.0)
t([-3.0], dtype=torch.float64).angle() * 1e7, t([complex(-0.0, 0.0), 0j]).angle()
backward_of((x * 0).sgn().real.sum())
backward_of((x * 0).angle().sum())
torch.tensor(1j, dtype=torch.float32)
torch.tensor([1j, 2], dtype=torch.int64)
torch.full((2,), 1j, dtype=torch.float32)
torch.autograd.grad((y * 2).sum().abs(), y, grad_outputs=t(1j))
torch.autograd.grad(y * 2, y, grad_outputs=v)
torch.view_as_complex(torch.empty(0, 2))
names(torch.nn.Linear(2, 2, dtype=torch.complex64).to(torch.float64).weight)
torch.nn.Linear(2, 2).to(torch.int64)
next(iter(torch.utils.data.DataLoader(torch.utils.data.TensorDataset(z), batch_size=2)))
Twice.apply(x), backward_of(Twice.apply(x).abs().sum())
float(t(2 + 0j)), int(t(3 + 0j))
float(t(2 + 1j))
r.clone().fill_(1j)
r.new_full((2,), 1j)
torch.full_like(r, 1j)
""".strip().splitlines()
)
