"""Tests of dispatch: the choice of a kernel, `explain`, and how to force a kernel."""

import numpy as np
import pytest

import minicnn as mc
from minicnn.backends.native import library
from minicnn.backends.step_options import SGDOptions
from minicnn.errors import KernelError
from minicnn.geometry import conv_spec
from minicnn.ops.conv import conv
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CPU, Device

pytestmark = pytest.mark.usefixtures("own_primitives")


@pytest.fixture
def exp_kernels(own_primitives):
    """Replace the kernels of exp by two test kernels and the reference; one is only for large arrays."""
    dispatch._table["exp"] = [k for k in dispatch._table["exp"] if k.backend == "reference"]

    @dispatch.kernel("exp", "numpy", name="large", supports=lambda x: x.size > 3, requires="more than 3 elements")
    def exp_large(x):
        return np.full(x.shape, 3.0, x.dtype)

    @dispatch.kernel("exp", "numpy", name="always")
    def exp_always(x):
        return np.full(x.shape, 2.0, x.dtype)

    dispatch.order("numpy", exp=("large", "always"))


@pytest.mark.usefixtures("exp_kernels")
def test_the_first_that_applies_is_taken():
    assert [k.name for k in dispatch.kernels("exp", CPU)] == ["large", "always", "reference"]
    assert mc.exp(mc.zeros(5)).tolist() == [3.0] * 5
    assert mc.exp(mc.zeros(1)).tolist() == [2.0]


@pytest.mark.usefixtures("exp_kernels")
def test_a_device_without_tags_runs_the_reference():
    plain = Device("plain", backends=())
    assert [k.name for k in dispatch.kernels("exp", plain)] == ["reference"]
    assert dispatch.select("exp", plain, [np.zeros(5)], {})(np.zeros(5)).tolist() == [1.0] * 5


@pytest.mark.usefixtures("exp_kernels")
def test_use_kernel_forces_one_inside_its_block():
    x = mc.zeros(5)
    with mc.use_kernel("exp", "reference"):
        assert mc.exp(x).tolist() == [1.0] * 5
        with mc.use_kernel("exp", "always"), mc.use_kernel("log", "reference"):
            assert mc.exp(x).tolist() == [2.0] * 5
        assert mc.exp(x).tolist() == [1.0] * 5
    assert mc.exp(x).tolist() == [3.0] * 5


@pytest.mark.usefixtures("exp_kernels")
def test_use_kernel_holds_for_the_gradient_too():
    x = mc.zeros(1, requires_grad=True)
    with mc.use_kernel("mul", "reference"):
        mc.exp(x).backward()
    assert x.grad.item() == 2.0  # the rule uses the output of the kernel that ran


@pytest.mark.usefixtures("exp_kernels")
def test_a_kernel_that_does_not_apply_is_refused():
    message = r"exp: kernel 'large' does not support \(1,\) with \{\}: it requires more than 3 elements"
    with mc.use_kernel("exp", "large"), pytest.raises(KernelError, match=message):
        mc.exp(mc.zeros(1))


@pytest.mark.usefixtures("exp_kernels")
def test_a_kernel_that_does_not_exist_is_refused():
    message = "exp: there is no kernel 'magic' on this device; there are large, always, reference"
    with mc.use_kernel("exp", "magic"), pytest.raises(KernelError, match=message):
        mc.exp(mc.zeros(1))
    with (
        pytest.raises(KernelError, match=r"use_kernel: there is no operation 'expp'; there are abs, "),
        mc.use_kernel("expp", "x"),
    ):
        pass
    with pytest.raises(KernelError, match=r"kernels: there is no operation 'expp'; there are abs, "):
        dispatch.kernels("expp", CPU)


def test_explain_takes_the_lists_of_an_optimizer_step():
    p = mc.zeros(3)
    text = mc.explain("sgd_step", [p], [p], [], shares=[1.0], options=SGDOptions(0.1, 0.0, 0.0, False))
    assert text.startswith("sgd_step on cpu for 1 arrays, 1 arrays, 0 arrays:")
    assert ": taken" in text
    with pytest.raises(KernelError, match="explain: the kernel of 'relu' depends on its inputs; pass at least one"):
        mc.explain("relu")


@pytest.mark.usefixtures("exp_kernels")
def test_explain_says_why():
    lines = ["  numpy/large: does not support this: requires more than 3 elements", "  numpy/always: taken"]
    last = "  reference/reference: possible, but comes after"
    assert mc.explain("exp", mc.zeros(1)).split("\n") == ["exp on cpu for (1,):", *lines, last]
    with mc.use_kernel("exp", "reference"):
        text = mc.explain("exp", np.zeros(5))
    assert "numpy/large: possible, but another was forced" in text
    assert "reference/reference: taken" in text


@pytest.mark.usefixtures("exp_kernels")
def test_where_a_kernel_does_not_pay_it_runs_if_it_is_forced():
    asked = []

    @dispatch.kernel(
        "exp",
        "native",
        name="dear",
        supports=lambda x: x.size > 1,
        requires="two",
        profitable=asked.append,
        best_for="none",
    )
    def exp_dear(x):
        return np.full(x.shape, 5.0, x.dtype)

    assert mc.exp(mc.zeros(5)).tolist() == [3.0] * 5
    assert len(asked) == 1
    assert "native/dear: not profitable here: best for none" in mc.explain("exp", mc.zeros(5))
    assert "native/dear: does not support this: requires two" in mc.explain("exp", mc.zeros(1))
    with mc.use_kernel("exp", "dear"):
        assert mc.exp(mc.zeros(5)).tolist() == [5.0] * 5
        with pytest.raises(KernelError, match="it requires two"):
            mc.exp(mc.zeros(1))


def test_names_are_unique():
    with pytest.raises(KernelError, match="kernel: 'exp' already has a kernel 'reference'; choose another name"):
        dispatch.kernel("exp", "numpy", name="reference")(np.exp)


def test_every_operation_ends_with_its_reference(device):
    for name in dispatch.operations():
        last = dispatch.kernels(name, device)[-1]
        assert (last.backend, last.name, last.supports) == ("reference", "reference", None)


def test_the_convolution_explains_itself():
    x, w = mc.ones(1, 3, 8, 8), mc.ones(4, 3, 3, 3)
    assert ": taken" in mc.explain("conv", x, w, spec=conv_spec("conv2d", x.shape, w.shape))


# --- backends ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("exp_kernels")
def test_use_backends_leaves_the_others_out():
    x = mc.zeros(5)
    with mc.use_backends():
        assert mc.exp(x).tolist() == [1.0] * 5
        assert mc.explain("exp", x).split("\n")[1:] == ["  reference/reference: taken"]
        with mc.use_backends("numpy", "native"):  # the device defines the order, not the arguments
            assert mc.exp(x).tolist() == [3.0] * 5
        assert mc.exp(x).tolist() == [1.0] * 5
    assert mc.exp(x).tolist() == [3.0] * 5


@pytest.mark.usefixtures("exp_kernels")
def test_a_kernel_of_a_backend_left_out_cannot_be_forced():
    message = "exp: there is no kernel 'always' on this device; there are reference"
    with mc.use_backends("native"), mc.use_kernel("exp", "always"), pytest.raises(KernelError, match=message):
        mc.exp(mc.zeros(1))


def test_a_backend_that_does_not_exist_is_refused():
    message = "use_backends: there is no backend 'nunpy'; there are native, numpy, cuda"
    with pytest.raises(KernelError, match=message), mc.use_backends("numpy", "nunpy"):
        pass


@pytest.mark.usefixtures("exp_kernels")
def test_which_kernel_fuses():
    arrays = [np.zeros(5)]

    def fused():
        kernel = dispatch.select_fused("exp", ("log", "mul"), CPU, arrays, {})
        return None if kernel is None else kernel.__name__

    assert fused() == "exp_large"
    with mc.use_kernel("log", "reference"):
        assert fused() is None
    with mc.use_kernel("add", "reference"):
        assert fused() == "exp_large"
    with mc.use_kernel("exp", "always"):
        assert fused() == "exp_always"
    with mc.use_kernel("exp", "reference"):
        assert fused() is None
    with mc.use_backends():
        assert fused() is None


@pytest.mark.usefixtures("exp_kernels")
def test_a_new_kernel_comes_before_the_order():
    for name in ("older", "newer"):
        dispatch.kernel("exp", "numpy", name=name)(lambda x: x)
    assert [k.name for k in dispatch.kernels("exp", CPU)] == ["newer", "older", "large", "always", "reference"]


def test_a_user_s_kernel_is_not_hidden_by_a_fused_one():
    calls = []

    @dispatch.kernel("conv", "numpy", name="mine")
    def mine(x, w, *, spec):
        calls.append(spec)
        return conv.body(x, w, spec=spec)

    with mc.use_backends("numpy"):
        mc.nn.Conv2d(2, 3, 3)(mc.ones(1, 2, 5, 5))
    assert len(calls) == 1


def test_an_order_is_set_once():
    with pytest.raises(KernelError, match="numpy for 'conv' have an order already; a new kernel needs no place"):
        dispatch.order("numpy", conv=("mine",))


def test_every_backend_orders_its_kernels(device):
    """Each operation with several kernels of a backend lists them all, so the order of imports has no effect."""
    for operation in dispatch.operations():
        for backend in device.backends:
            if backend == "native" and library.missing():
                continue
            names = [k.name for k in dispatch.kernels(operation, device) if k.backend == backend]
            assert len(names) < 2 or tuple(names) == dispatch._order[backend, operation]
