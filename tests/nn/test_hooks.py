"""Tests of hooks: their order, their arguments, what they replace, and that they switch off fusion."""

import pytest

import minicnn
from minicnn import nn
from minicnn.errors import AutogradError


def leaf(*values):
    return minicnn.tensor(values, requires_grad=True)


class Scale(nn.Module):
    def forward(self, x, factor=1.0):
        return x * 2 * factor


def test_forward_hooks_run_in_order_and_may_replace():
    module, calls = Scale(), []
    module.register_forward_pre_hook(lambda m, args: calls.append("pre") or (args[0] + 1,))
    module.register_forward_hook(lambda m, args, out: calls.append(("first", args[0].tolist())) or out * 10)
    module.register_forward_hook(lambda m, args, out: calls.append(("zeroth", out.tolist())), prepend=True)
    assert module(leaf(1.0)).tolist() == [40]
    assert calls == ["pre", ("zeroth", [4]), ("first", [2])]


def test_hooks_with_keyword_arguments():
    module, seen = Scale(), []
    pre = module.register_forward_pre_hook(
        lambda m, args, kwargs: (args, {"factor": kwargs["factor"] + 1}), with_kwargs=True
    )
    module.register_forward_hook(lambda m, args, kwargs, out: seen.append(kwargs), with_kwargs=True)
    assert module(leaf(1.0), factor=2).tolist() == [6]
    pre.remove()
    assert module(leaf(1.0), factor=2).tolist() == [4]
    assert seen == [{"factor": 3}, {"factor": 2}]


def test_a_hook_may_be_called_after_an_exception():
    module, seen = Scale(), []
    module.register_forward_hook(lambda *given: seen.append("never"))
    module.register_forward_hook(lambda m, args, out: seen.append(out), always_call=True)
    with pytest.raises(TypeError):
        module(leaf(1.0), wrong=1)
    assert seen == [None]


def test_backward_hooks_see_gradients_and_replace_them():
    module, x, seen = Scale(), leaf(1.0, 2.0), []

    def hook(m, grad_input, grad_output):
        seen.append([m is module, grad_input[0].tolist(), grad_input[1:], grad_output[0].tolist()])
        return (grad_input[0] * 10, None)

    handle = module.register_full_backward_hook(hook)
    (module(x, 3.0) * 5).sum().backward()
    assert seen == [[True, [30, 30], (None,), [5, 5]]]
    assert x.grad.tolist() == [300, 300]
    handle.remove()
    x.grad = None
    module(x, 3.0).sum().backward()
    assert x.grad.tolist() == [6, 6]
    assert len(seen) == 1


def test_backward_pre_hooks_replace_the_gradient_of_the_output():
    module, x = Scale(), leaf(1.0)
    module.register_full_backward_pre_hook(lambda m, grad_output: (grad_output[0] * 100,))
    module(x).sum().backward()
    assert x.grad.tolist() == [200]


def test_backward_hooks_without_inputs_that_have_gradients():
    layer, seen = nn.Linear(2, 1), []
    layer.register_full_backward_hook(lambda m, grad_input, grad_output: seen.append((grad_input, grad_output)))
    layer(minicnn.ones(3, 2)).sum().backward()
    ((grad_input, (grad_output,)),) = seen
    assert grad_input == (None,)
    assert grad_output.tolist() == [[1], [1], [1]]
    assert layer.weight.grad.tolist() == [[3, 3]]


def test_backward_hooks_of_several_outputs():
    class Both(nn.Module):
        def forward(self, x):
            return {"a": x * 2, "b": x * 3, "name": "c"}

    module, x, seen = Both(), leaf(1.0), []
    module.register_backward_hook(lambda m, grad_input, grad_output: seen.append([g and g.item() for g in grad_output]))
    out = module(x)
    assert out["name"] == "c"
    out["b"].backward()
    assert seen == [[None, 1.0, None]]
    assert x.grad.tolist() == [3]


def test_gradients_of_gradients_pass_through_backward_hooks():
    class Cube(nn.Module):
        def forward(self, x):
            return x**3

    module, x = Cube(), leaf(2.0)
    module.register_full_backward_hook(lambda *given: None)
    (first,) = minicnn.autograd.grad(module(x).sum(), x, create_graph=True)
    (second,) = minicnn.autograd.grad(first.sum(), x)
    assert (first.item(), second.item()) == (12, 12)


def test_a_hook_with_the_wrong_number_of_gradients():
    module = Scale()
    module.register_full_backward_hook(lambda *given: ())
    with pytest.raises(AutogradError, match="backward hook: expected 1 gradients, the hook returned 0"):
        module(leaf(1.0)).sum().backward()


def test_layers_with_hooks_or_another_forward_are_not_fused(monkeypatch):
    conv, relu = nn.Conv2d(1, 1, 1), nn.ReLU()
    network, x, seen = nn.Sequential(conv, relu), minicnn.randn(1, 1, 3, 3), []
    handle = relu.register_full_backward_hook(lambda *given: seen.append("backward"))
    network(x).sum().backward()
    assert seen == ["backward"]
    handle.remove()
    monkeypatch.setattr(nn.ReLU, "forward", lambda self, x: x * 7)
    assert network(x).tolist() == (conv(x) * 7).tolist()
