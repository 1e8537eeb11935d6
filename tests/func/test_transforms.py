"""Laws of derivatives; tests/oracles/calls/functionals.py has PyTorch's results."""

import pytest

import minicnn
from minicnn import func, nn
from minicnn.autograd import functional, gradcheck
from minicnn.errors import ArgumentError, DTypeError, ShapeError


def quartic(x):
    return (x**4).sum() + (x[0] * x[1]) ** 2


@pytest.fixture
def x():
    return minicnn.tensor([1.5, -0.5, 2.0], dtype=minicnn.float64)


def test_products_are_those_with_the_matrices(x):
    def f(x):
        return minicnn.stack([x.prod(), (x**2).sum()])

    v, u = minicnn.randn(3, dtype=minicnn.float64), minicnn.randn(2, dtype=minicnn.float64)
    jacobian, hessian = functional.jacobian(f, x), functional.hessian(quartic, x)
    assert minicnn.allclose(functional.jvp(f, x, v)[1], jacobian @ v)
    assert minicnn.allclose(functional.vjp(f, x, u)[1], u @ jacobian)
    assert minicnn.allclose(functional.hvp(quartic, x, v)[1], hessian @ v)
    assert minicnn.allclose(func.jvp(f, (x,), (v,))[1], jacobian @ v)
    assert minicnn.allclose(func.vjp(f, x)[1](u)[0], u @ jacobian)
    assert minicnn.allclose(func.jacrev(f)(x), jacobian)
    assert minicnn.allclose(func.hessian(quartic)(x), hessian)
    assert minicnn.equal(hessian, hessian.T)


def test_jacobians_of_a_layer_are_its_matrix():
    layer = nn.Conv2d(1, 2, 2, bias=False)
    image = minicnn.randn(1, 1, 3, 4)
    jacobian = functional.jacobian(layer, image)
    assert jacobian.shape == (*layer(image).shape, *image.shape)
    assert minicnn.allclose(minicnn.tensordot(jacobian, image, 4), layer(image), atol=1e-5)


def test_results_can_be_differentiated_if_the_function_uses_tensors_with_a_gradient(x):
    w = minicnn.tensor([0.5, 1.0, 2.0], dtype=minicnn.float64, requires_grad=True)
    assert not func.grad(quartic)(x).requires_grad
    for f in (
        lambda w: func.grad(quartic)(w),
        lambda w: func.grad(lambda y: (w * y**2).sum())(x),
        lambda w: func.jacrev(lambda y: w * y**2)(x),
        lambda w: func.jvp(lambda y: w * y**2, (x,), (x,))[1],
        lambda w: func.vmap(lambda y: y * w)(x),
        lambda w: functional.hvp(quartic, w, x, create_graph=True)[1],
    ):
        assert gradcheck(f, w)
    with minicnn.no_grad():
        assert not func.grad(lambda y: (w * y**2).sum())(x).requires_grad


def test_gradients_of_each_example():
    """The sum over a batch of the gradients of each example is the gradient of the sum."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(8, 1))
    parameters = {name: p.detach() for name, p in net.named_parameters()}
    images = minicnn.randn(5, 1, 4, 4)

    def loss(parameters, image):
        return func.functional_call(net, parameters, (image[None],)).pow(2).sum()

    each = func.vmap(func.grad(loss), in_dims=(None, 0))(parameters, images)
    net(images).pow(2).sum().backward()
    for name, p in net.named_parameters():
        assert each[name].shape == (5, *p.shape)
        assert minicnn.allclose(each[name].sum(0), p.grad, atol=1e-5)


def test_a_result_that_is_the_same_for_all_examples(x):
    y, z = func.vmap(lambda v: (v * 2, x), out_dims=(0, None))(x)
    assert minicnn.equal(y, x * 2)
    assert minicnn.equal(z, x)


def test_an_ensemble():
    nets = [nn.Linear(3, 2) for _ in range(4)]
    parameters, buffers = func.stack_module_state(nets)
    inputs = minicnn.randn(5, 3)
    results = func.vmap(lambda p, b: func.functional_call(nets[0], (p, b), (inputs,)))(parameters, buffers)
    assert minicnn.equal(results, minicnn.stack([net(inputs) for net in nets]))
    assert parameters["weight"].requires_grad
    assert buffers == {}


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: func.grad(lambda x: x**2)(x), ShapeError, r"without axes, got \(3,\); take its sum or mean"),
        (lambda x: func.grad(lambda x: 2)(x), DTypeError, "must return tensors, got a int"),
        (lambda x: func.grad(quartic)(2.0), DTypeError, "expected tensors, got a float"),
        (lambda x: func.grad(quartic, argnums=1)(x), ArgumentError, "argnums=1 does not fit a call with 1 arguments"),
        (lambda x: func.grad(quartic, has_aux=True)(x), ArgumentError, r"must return \(result, other values\)"),
        (lambda x: func.vjp(quartic), ArgumentError, "give the arguments"),
        (lambda x: func.jvp(quartic, (), ()), ArgumentError, "give the arguments"),
        (lambda x: func.jacrev(lambda x: x * 1j)(x), DTypeError, "complex numbers are not supported here; use vjp"),
        (lambda x: func.grad(lambda x: (x * 1j).sum())(x), DTypeError, "complex numbers are not supported here"),
        (lambda x: functional.jacobian(lambda x: x * 1j, x), DTypeError, "complex numbers are not supported; use vjp"),
        (lambda x: func.vmap(quartic, in_dims=None)(x), ArgumentError, "no argument has an axis of the batch"),
        (lambda x: func.vmap(quartic, in_dims=2)(x), ShapeError, r"the axis 2 for a tensor of shape \(3,\)"),
        (lambda x: func.vmap(quartic, in_dims=(0, 0))(x), ArgumentError, "does not fit 1 arguments"),
        (lambda x: func.vmap(quartic)(3.0), ArgumentError, "only tensors have axes: use None"),
        (lambda x: func.vmap(minicnn.add)(x, x[:2]), ShapeError, r"one size, of at least 1, got \[2, 3\]"),
        (lambda x: func.vmap(quartic)(x[:0]), ShapeError, r"at least 1, got \[0\]"),
        (lambda x: func.vmap(lambda p: p["a"], in_dims=({"b": 0},))({"a": x}), ArgumentError, "does not have the form"),
        (lambda x: func.vmap(lambda x: x, in_dims=((0, 0),))(x), ArgumentError, "is deeper than the value"),
        (lambda x: func.vmap(lambda x: 1)(x), DTypeError, "must return tensors, got a int"),
        (lambda x: func.vmap(lambda x: minicnn.rand(1))(x), ArgumentError, "draws random numbers; choose"),
        (lambda x: func.vmap(quartic, randomness="no"), ArgumentError, "randomness must be"),
        (lambda x: func.stack_module_state([]), ArgumentError, "models of one class"),
        (lambda x: func.stack_module_state([nn.ReLU(), nn.ReLU().eval()]), ArgumentError, "all in training mode"),
        (lambda x: functional.vjp(lambda x: x**2, x), ArgumentError, "give v, because the result has more than one"),
        (lambda x: functional.jvp(quartic, x, x[:2]), ShapeError, "v must have the shapes of the input"),
        (lambda x: functional.hessian(lambda x: x, x), ShapeError, r"one element, got \(3,\)"),
        (lambda x: functional.jacobian(quartic, "x"), DTypeError, "the inputs must be a tensor or a tuple"),
        (lambda x: functional.jacobian(quartic, x, strategy="up"), ArgumentError, "strategy must be"),
    ],
)
def test_refusals(call, error, words, x):
    with pytest.raises(error, match=words):
        call(x)
