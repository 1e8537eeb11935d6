"""Functions of functions: autograd.functional and func."""

__all__ = ["CALLS", "START"]

START = """
F, A = torch.func, torch.autograd.functional
t = torch.tensor
x, y = t([1.0, 2.0]), t([[0.5, -1.0], [2.0, 3.0]])
d = x.double()
w = t([0.5, -2.0], requires_grad=True)
m = t([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])

def cube(x):
    return (x**3).sum()

def two(x):
    return x**2, x.sum()

def pair(a, b):
    return (a * b**2).sum()

def both(a, b):
    return torch.matmul(b, a), a * 2

def tree(p):
    return (p["w"] * x + p["b"][0]).pow(2).sum()

p = {"w": t([1.0, -1.0]), "b": [t(0.5), t(3.0)]}
net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Tanh(), torch.nn.Linear(2, 1))
for q in net.parameters():
    q.data = torch.arange(float(q.numel())).reshape(q.shape) / 5 - 0.3
params = {k: v.detach() for k, v in net.named_parameters()}

def loss(params, x, target):
    return ((F.functional_call(net, params, (x,)) - target) ** 2).mean()

def graph(out, *inputs):
    return out, torch.autograd.grad(out.pow(2).sum(), inputs)

def state(flag, value):
    return value.requires_grad == flag
"""

CALLS = tuple(
    """
A.vjp(cube, x)
A.vjp(lambda x: x**2, x, t([1.0, 3.0]))
A.vjp(pair, (x, y))
A.vjp(both, (x, y), (x, x))
A.vjp(two, x, (x, t(1.0)))
A.vjp(lambda x: x**2, x)
A.vjp(lambda x: x**2, x, torch.ones(3))
A.vjp(cube, "a")
A.vjp(lambda x: 3.0, x)
A.vjp(lambda x: torch.ones(2), x, x)
A.vjp(lambda x: torch.ones(2), x, x, strict=True)
A.vjp(lambda a, b: a.sum(), (x, y))
A.vjp(lambda a, b: a.sum(), (x, y), strict=True)
A.jvp(cube, x, x)
A.jvp(lambda x: x**2, x, t([1.0, 3.0]))
A.jvp(both, (x, y), (x, y))
A.jvp(two, x, x)
A.jvp(lambda x: x**2, x)
A.jvp(lambda x: x**2, t(3.0))
A.jvp(lambda x: torch.ones(2), x, x)
A.jacobian(lambda x: x**2, x)
A.jacobian(two, x)
A.jacobian(both, (x, y))
A.jacobian(lambda y: y @ y, y)
A.jacobian(lambda x: x.sum(), x)
A.jacobian(lambda x: x**2, x, vectorize=True, strategy="forward-mode")
A.jacobian(lambda x: x**2, x, strategy="sideways")
A.jacobian(lambda x: torch.ones(2), x)
A.jacobian(lambda x: torch.ones(2), x, strict=True)
A.hessian(cube, x)
A.hessian(pair, (x, y))
A.hessian(lambda x: x.sum(), x)
A.hessian(lambda x: (x**4).sum().reshape(1), d)
A.hessian(lambda x: x**2, x)
A.vhp(cube, x, x)
A.vhp(pair, (x, y), (x, y))
A.hvp(cube, x, t([1.0, -1.0]))
A.hvp(pair, (x, y), (x, y))
A.hvp(lambda x: x.sum(), x, x)
graph(A.jacobian(lambda x: x**3, w, create_graph=True), w)
graph(A.hessian(cube, w, create_graph=True), w)
graph(A.vjp(cube, w, create_graph=True)[1], w)
graph(A.jvp(cube, w, x, create_graph=True)[1], w)
graph(A.hvp(cube, w, x, create_graph=True)[1], w)
A.jacobian(lambda x: x**3, w).requires_grad, A.vjp(cube, w)[0].requires_grad
F.grad(cube)(x)
F.grad(F.grad(lambda x: x**3))(t(2.0))
F.grad(F.grad(F.grad(lambda x: x**3)))(t(2.0))
F.grad(pair, argnums=1)(x, y)
F.grad(pair, argnums=(0, 1))(x, y)
F.grad(pair, argnums=(1,))(x, y)
F.grad(pair, argnums=-1)(x, y)
F.grad(lambda x: ((x**2).sum(), {"y": x * 2}), has_aux=True)(x)
F.grad_and_value(cube)(x)
F.grad_and_value(lambda x: ((x**2).sum(), x * 2), has_aux=True)(x)
F.grad(tree)(p)
F.grad(lambda x: x**2)(x)
F.grad(lambda x: 3.0)(x)
F.grad(cube)(x).requires_grad, F.grad(cube)(w).requires_grad
graph(F.grad(cube)(w), w)
graph(F.grad(lambda x: (w * x**2).sum())(x), w)
F.grad(lambda x: F.grad(lambda y: (x * y**2).sum())(x).sum())(x)
F.grad(loss)(params, x, t(1.0))
F.grad(lambda x, k=1: (k * x**2).sum())(x, k=3)
[F.vjp(lambda x: x**2, x)[0], F.vjp(lambda x: x**2, x)[1](t([1.0, 3.0]))]
F.vjp(both, x, y)[1]((x, x))
F.vjp(lambda x: (x**2, x), x, has_aux=True)[2]
F.vjp(two, x)[1]((x, t(2.0)))
F.jvp(cube, (x,), (x,))
F.jvp(both, (x, y), (x, y))
F.jvp(lambda x: (x**2, x), (x,), (x,), has_aux=True)
F.jvp(lambda x: F.grad(cube)(x), (x,), (t([1.0, 0.0]),))
F.jacrev(lambda x: x**2)(x)
F.jacrev(two)(x)
F.jacrev(both, argnums=(0, 1))(x, y)
F.jacrev(lambda p: p["w"] * p["b"][1])(p)
F.jacrev(lambda x: (x**2, x.sum()), has_aux=True)(x)
F.jacfwd(lambda x: x**2)(x)
F.jacfwd(both, argnums=1)(x, y)
F.hessian(cube)(x)
F.hessian(pair, argnums=1)(x, y)
F.hessian(pair, argnums=(0, 1))(x, y)
F.linearize(cube, x)[1](x)
F.vmap(lambda x: x.sum())(y)
F.vmap(torch.dot)(y, y)
F.vmap(torch.dot, in_dims=(0, None))(y, x)
F.vmap(torch.dot, in_dims=(1, 0))(y, y)
F.vmap(lambda x: x * 2, out_dims=1)(m)
F.vmap(lambda x: (x * 2, x.sum()), out_dims=(1, 0))(m)
F.vmap(lambda x: {"a": x.sum()})(m)
F.vmap(F.vmap(lambda x: x * 2))(m)
F.vmap(F.vmap(torch.mul, in_dims=(0, None)), in_dims=(None, 0))(x, x)
F.vmap(F.grad(cube))(y)
F.vmap(F.grad(loss), in_dims=(None, 0, 0))(params, y, x)
F.vmap(F.jacrev(lambda x: x**2))(y)
F.vmap(F.hessian(cube))(y)
F.vmap(lambda p: p["w"] * p["b"], in_dims=({"w": 0, "b": None},))({"w": y, "b": x})
F.vmap(lambda x, k: x * k)(y, k=x)
F.vmap(lambda x: x, in_dims=None)(x)
F.vmap(lambda x: x, in_dims=(0, 0))(x)
F.vmap(lambda x: x, in_dims=3)(x)
F.vmap(torch.add)(x, torch.ones(3))
F.vmap(lambda x: x, randomness="some")(x)
F.vmap(lambda x: 3)(x)
F.vmap(lambda x: x + torch.rand(1))(x)
F.vmap(lambda x: (torch.rand(1) * 0 + x).sum(), randomness="different")(x)
(lambda r: (r[0] - r[1]).abs().max())(F.vmap(lambda x: torch.rand(3), randomness="same")(x))
graph(F.vmap(lambda x: x * w)(y), w)
torch.vmap(torch.dot)(y, y)
[{k: list(v.shape) for k, v in s.items()} for s in F.stack_module_state([torch.nn.BatchNorm1d(2)] * 3)]
F.jvp(lambda x: (x.argmax(), x * 2, x > 1), (x,), (x,))
""".strip().splitlines()
)
