"""Tests of `watch`: the shapes, kernels, layers, lines and gradient rules of the steps."""

import threading
from contextlib import suppress

import minicnn
import minicnn.nn.functional as F
from minicnn import nn
from minicnn.runtime.dispatch import use_kernel


def network() -> nn.Module:
    minicnn.manual_seed(0)
    first = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
    return nn.Sequential(first, nn.Flatten(), nn.Linear(4 * 6 * 6, 5))


def of(steps, name):
    return [step for step in steps if step.name == name]


def test_forward_steps_have_shapes_kernels_layers_and_lines():
    x, model = minicnn.randn(2, 3, 6, 6), network()
    with minicnn.watch() as steps:
        model(x)  # this line
    (conv,) = of(steps, "conv_bias_relu")
    assert conv.inputs == ((2, 3, 6, 6), (4, 3, 3, 3), (4,))
    assert (conv.output, conv.dtype, conv.device, conv.bytes) == ((2, 4, 6, 6), "float32", "cpu", 4 * 288)
    assert f"{conv.kernel}: taken" in conv.why
    assert (conv.layer, conv.layer_type, conv.where) == ("0", "Sequential", "0 (Sequential)")
    assert conv.code == "model(x)  # this line"
    assert conv.line.startswith("test_watching.py:")
    assert not conv.backward
    assert conv.seconds > 0
    (linear,) = of(steps, "linear")
    assert (linear.where, linear.output) == ("2 (Linear)", (2, 5))
    assert [step.number for step in steps] == list(range(len(steps)))


def test_backward_steps_name_their_rule_and_belong_to_the_line_and_layer_of_the_call():
    x, model = minicnn.randn(2, 3, 6, 6), network()
    with minicnn.watch() as steps:
        loss = model(x).square().sum()
        loss.backward()
    linear = of(steps, "linear")[0]
    products = [step for step in of(steps, "matmul") if step.backward]
    assert {step.gradient_of for step in products} == {
        f"x of linear (step {linear.number})",
        f"w of linear (step {linear.number})",
    }
    assert {(step.where, step.code) for step in products} == {("2 (Linear)", "loss = model(x).square().sum()")}
    assert {step.backward for step in steps} == {False, True}


def test_a_sum_of_two_gradients_is_a_step_without_a_rule():
    x = minicnn.ones(3, requires_grad=True)
    with minicnn.watch() as steps:
        (x.sin() + x.cos()).sum().backward()
    (total,) = [step for step in steps if step.gradient_of == "a sum of gradients"]
    assert total.name == "add"
    assert "add, for a sum of gradients" in str(steps)


def test_steps_of_hooks_are_no_rules_and_no_sums():
    y = minicnn.ones(3, requires_grad=True) * 2
    y.register_hook(lambda g: g.exp())
    with minicnn.watch() as steps:
        y.sum().backward()
    assert [(step.backward, step.gradient_of) for step in of(steps, "exp")] == [(True, "")]


def test_a_node_that_was_not_seen_has_no_step():
    x = minicnn.ones(3, 4, requires_grad=True)
    with minicnn.watch() as steps:
        x[0]
        x.unbind(0)[2].sum().backward()
    assert {step.gradient_of for step in steps if step.backward} == {"x of sum (step 1)", "x of index"}


def test_calls_before_the_block_are_no_steps_but_their_rules_are():
    x = minicnn.ones(3, requires_grad=True)
    loss = x.exp().sum()
    with minicnn.watch() as steps:
        loss.backward()
    assert {step.gradient_of for step in steps} == {"x of sum", "x of exp"}


def test_a_forced_kernel_is_the_one_that_is_named():
    x, w = minicnn.randn(1, 2, 5, 5), minicnn.randn(3, 2, 3, 3)
    with use_kernel("conv", "reference"), minicnn.watch() as steps:
        F.conv2d(x, w)
    assert of(steps, "conv")[0].kernel == "reference/reference"
    assert "possible, but another was forced" in of(steps, "conv")[0].why


def test_multiply_adds_of_convolutions_their_gradients_and_products():
    x = minicnn.randn(2, 4, 7, 7, requires_grad=True)
    w = minicnn.randn(6, 2, 3, 3, requires_grad=True)
    with minicnn.watch() as steps:
        F.conv2d(x, w, stride=2, groups=2).sum().backward()
        minicnn.randn(5, 2, 3) @ minicnn.randn(3, 4)
    count = 2 * 6 * 3 * 3 * 2 * 3 * 3
    for name in ("conv", "conv_input_grad", "conv_weight_grad"):
        assert of(steps, name)[0].multiply_adds == count
    assert of(steps, "matmul")[0].multiply_adds == 5 * 2 * 4 * 3
    assert of(steps, "sum")[0].multiply_adds == 0


def test_views_take_no_memory():
    with minicnn.watch() as steps:
        minicnn.zeros(4, 4).transpose(0, 1).reshape(2, 8)
    assert [(step.name, step.bytes) for step in steps] == [("permute", 0), ("reshape", 0)]


def test_watching_ends_with_the_block_also_after_an_error():
    with suppress(ZeroDivisionError), minicnn.watch() as steps:
        minicnn.ones(2).exp()
        raise ZeroDivisionError
    minicnn.ones(2).exp()
    assert len(steps) == 1


def test_blocks_can_be_nested_and_the_inner_one_sees_alone():
    with minicnn.watch() as outer:
        minicnn.ones(2).exp()
        with minicnn.watch() as inner:
            minicnn.ones(2).sin()
        minicnn.ones(2).cos()
    assert [step.name for step in outer] == ["exp", "cos"]
    assert [step.name for step in inner] == ["sin"]


def test_a_fused_function_is_one_step_with_its_name():
    with minicnn.watch() as steps:
        F.silu(minicnn.ones(2, 3, requires_grad=True)).sum().backward()
    assert [step.name for step in steps if not step.backward] == ["silu", "sum"]
    assert "silu gradient" in {step.name for step in steps if step.backward}


def test_other_threads_are_not_seen():
    with minicnn.watch() as steps:
        thread = threading.Thread(target=lambda: minicnn.ones(2).exp())
        thread.start()
        thread.join()
    assert len(steps) == 0


def test_results_are_the_same_under_watch(device):
    x, model = minicnn.randn(2, 3, 6, 6).to(device), network().to(device)
    y = model(x)
    with minicnn.watch() as steps:
        assert model(x).equal(y)
    assert {step.device for step in steps} == {str(device)}


def test_text_and_html():
    with minicnn.watch() as steps:
        minicnn.ones(2, 3).exp()
    assert str(steps).splitlines()[0].split() == ["step", "operation", "output", "kernel", "ms", "where"]
    assert "2 x 3" in str(steps)
    assert str(steps[0]).startswith("step 0, forward: exp\n  (2, 3) -> (2, 3), float32 on cpu\n")
    assert steps._repr_html_().count("<details>") == 1
    assert repr(steps) == "<1 steps>"
    assert steps[-1:] == [steps[0]]


def test_a_long_list_is_cut():
    with minicnn.watch() as steps:
        for _ in range(205):
            minicnn.ones(1).exp()
    assert len(str(steps).splitlines()) == 202
    assert str(steps).endswith("\n... 5 more steps")
