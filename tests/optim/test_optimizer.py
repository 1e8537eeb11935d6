"""What all optimizers share: groups, checks with their messages, state, closures, the pieces a step works in."""

import json

import numpy as np
import pytest

import minicnn
from minicnn import optim
from minicnn.errors import (
    ArgumentError,
    AutogradError,
    CheckpointError,
    DeviceError,
    DTypeError,
    KernelError,
    ShapeError,
)
from minicnn.optim.optimizer import Optimizer
from minicnn.runtime import dispatch
from minicnn.runtime.devices import Device

OPTIMIZERS = [
    lambda params: optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True),
    lambda params: optim.SGD(params, lr=0.1, momentum=0.9, dampening=0.2),
    lambda params: optim.Adam(params, lr=0.1, amsgrad=True, weight_decay=0.1),
    lambda params: optim.AdamW(params, lr=0.1),
]


ADAM = {"params": [0], "lr": 9, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0, "amsgrad": False}


def parameter(*shape, dtype=minicnn.float64, seed=0):
    values = np.random.default_rng(seed).standard_normal(shape)
    return minicnn.tensor(values, dtype=dtype, requires_grad=True)


def give_gradients(parameters, seed):
    rng = np.random.default_rng(seed)
    for p in parameters:
        p.grad = minicnn.tensor(rng.standard_normal(p.shape), dtype=p.dtype)


@pytest.fixture(params=OPTIMIZERS)
def make(request, backend):
    return request.param


# --- groups ---------------------------------------------------------------------------------------------------


def test_groups_have_their_own_options_and_the_defaults():
    a, b, c = parameter(2), parameter(3), parameter(4)
    optimizer = optim.SGD([{"params": a, "lr": 0.5}, {"params": [b], "momentum": 0.9}], lr=0.1)
    optimizer.add_param_group({"params": [c], "weight_decay": 0.2})
    assert [g["params"] for g in optimizer.param_groups] == [[a], [b], [c]]
    assert [g["lr"] for g in optimizer.param_groups] == [0.5, 0.1, 0.1]
    assert [g["momentum"] for g in optimizer.param_groups] == [0, 0.9, 0]
    assert repr(optimizer).startswith("SGD (\nParameter Group 0\n    dampening: 0")


def test_parameters_may_come_from_a_generator_or_be_one_tensor():
    p = parameter(2)
    assert optim.SGD(q for q in [p]).param_groups[0]["params"] == [p]
    assert optim.SGD(p).param_groups[0]["params"] == [p]


@pytest.mark.parametrize(
    ("error", "message", "build"),
    [
        (ArgumentError, r"SGD: the list of parameters is empty; pass model.parameters\(\)", lambda p: optim.SGD([])),
        (DTypeError, "SGD: parameters are tensors, but number 1 is a str", lambda p: optim.SGD([p, "w"])),
        (DTypeError, "number 0 is a tuple; pass model.parameters", lambda p: optim.SGD([(p, "w")])),
        (
            DTypeError,
            r"AdamW: parameter 0, of shape \(2,\), is not a leaf: it was computed by <mul>",
            lambda p: optim.AdamW([p * 2]),
        ),
        (ArgumentError, r"SGD: parameter 1, of shape \(2,\), appears twice", lambda p: optim.SGD([p, p])),
        (ArgumentError, "appears twice", lambda p: optim.SGD([{"params": p}, {"params": p}])),
        (DTypeError, "SGD: lr must be a number, got 'a', a str; pass a float", lambda p: optim.SGD([p], lr="a")),
        (DTypeError, "SGD: dampening must be a number, got None", lambda p: optim.SGD([p], dampening=None)),
        (ArgumentError, r"Adam: betas must be two numbers, got 0.9; pass e.g.", lambda p: optim.Adam([p], betas=0.9)),
        (ArgumentError, "AdamW: betas must be two numbers", lambda p: optim.AdamW([p], betas=(0.9, 0.9, 0.9))),
        (ArgumentError, r"SGD: a group must have 'params', got only \['lr'\]", lambda p: optim.SGD([{"lr": 0.1}])),
        (ArgumentError, "SGD: lr must be at least 0, got -1", lambda p: optim.SGD([p], lr=-1)),
        (ArgumentError, "SGD: lr must be at least 0, got nan", lambda p: optim.SGD([p], lr=float("nan"))),
        (ArgumentError, "SGD: momentum must be at least 0, got -0.1", lambda p: optim.SGD([p], momentum=-0.1)),
        (ArgumentError, "SGD: weight_decay must be", lambda p: optim.SGD([{"params": p, "weight_decay": -1}])),
        (
            ArgumentError,
            "SGD: nesterov needs momentum and no dampening, got momentum=0 and dampening=0; pass",
            None,
        ),
        (ArgumentError, "AdamW: eps must be at least 0, got -1", lambda p: optim.AdamW([p], eps=-1)),
        (
            ArgumentError,
            r"Adam: betas\[0\] must be at least 0 and below 1, got",
            lambda p: optim.Adam([p], betas=(1, 0)),
        ),
        (ArgumentError, r"Adam: betas\[1\] must be at least 0 and", lambda p: optim.Adam([p], betas=(0.9, -0.1))),
    ],
)
def test_messages_of_the_constructors(error, message, build):
    with pytest.raises(error, match=message):
        (build or (lambda p: optim.SGD([p], nesterov=True)))(parameter(2))


def test_messages_of_step():
    p, q = parameter(2), parameter(3)
    optimizer = optim.SGD([p, q])
    p.grad = minicnn.ones(3, dtype=minicnn.float64)
    with pytest.raises(ShapeError, match=r"SGD.step: a parameter of shape \(2,\) has a gradient of \(3,\); leave"):
        optimizer.step()
    p.grad = minicnn.ones(2)
    with pytest.raises(DTypeError, match="a parameter of float64 has a gradient of float32; call zero_grad"):
        optimizer.step()
    give_gradients([p, q], 0)
    q.device = Device("elsewhere", backends=())
    with pytest.raises(DeviceError, match="must be on the same device, got cpu, elsewhere, cpu; move the model"):
        optimizer.step()


# --- steps ----------------------------------------------------------------------------------------------------


def test_parameters_without_a_gradient_are_left_alone(make):
    p, q = parameter(2), parameter(3)
    before = q.tolist()
    optimizer = make([p, q])
    give_gradients([p], 0)
    optimizer.step()
    assert q.tolist() == before
    assert q not in optimizer.state


def test_zero_grad():
    p, q = parameter(2), parameter(3)
    optimizer = optim.SGD([p, q])
    give_gradients([p], 0)
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0, 0]
    assert q.grad is None
    optimizer.zero_grad()
    assert p.grad is None


def test_a_closure_is_called_while_recording_and_its_loss_returned():
    p = parameter(2)
    optimizer = optim.SGD([p], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    expected = float((p.detach() ** 2).sum())
    with minicnn.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == pytest.approx(expected)
    np.testing.assert_allclose(p.detach(), 0, atol=1e-15)  # p - 0.5 · 2 p
    assert optimizer.step() is None


def test_a_step_is_noticed_by_a_graph_that_saved_the_old_values():
    p = parameter(2)
    optimizer = optim.SGD([p])
    y = (p * p).sum()
    y.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(AutogradError, match="modified in place"):
        y.backward()


def test_infinite_gradients_make_no_warning(make):
    p = parameter(2)
    p.grad = minicnn.tensor([np.inf, np.nan], dtype=p.dtype)
    make([p]).step()
    assert not np.isfinite(p.detach().numpy()).any()


def test_the_memory_of_parameters_is_written_in_place(make):
    p = parameter(3)
    array = p.array
    give_gradients([p], 0)
    make([p]).step()
    assert p.array is array


# --- kernels --------------------------------------------------------------------------------------------------


def test_another_kernel_can_stand_beside_the_reference(monkeypatch):
    monkeypatch.setattr(dispatch, "_table", {name: list(entries) for name, entries in dispatch._table.items()})
    dispatch.kernels.cache_clear()
    seen = []

    @dispatch.kernel("sgd_step", "numpy", name="fused", supports=lambda p, g, b, **params: len(p) == 2, requires="two")
    def fused(parameters, gradients, buffers, *, shares, options):
        seen.append((len(parameters), len(gradients), len(buffers), shares, options.lr))

    p, q = parameter(2), parameter(3)
    give_gradients([p, q], 0)
    with dispatch.use_backends("numpy"):
        optim.SGD([p, q], lr=0.5).step()
    assert seen == [(2, 2, 0, [1.0, 1.0], 0.5)]
    with dispatch.use_kernel("sgd_step", "missing"), pytest.raises(KernelError, match=r"there are .*fused, .*ref"):
        optim.SGD([p, q]).step()
    p.grad = None
    with (
        dispatch.use_kernel("sgd_step", "fused"),
        pytest.raises(KernelError, match=r"does not support 1 arrays, 1 arrays, 0 arrays with .* it requires two"),
    ):
        optim.SGD([p, q]).step()
    monkeypatch.undo()
    dispatch.kernels.cache_clear()


# --- state ----------------------------------------------------------------------------------------------------


def test_state_has_the_layout_of_pytorch():
    p, q, r = parameter(2), parameter(3), parameter(4)
    optimizer = optim.Adam([{"params": [p, q]}, {"params": [r], "lr": 0.5}])
    give_gradients([p, r], 0)
    optimizer.step()
    state = optimizer.state_dict()
    assert sorted(state["state"]) == [0, 2]
    assert sorted(state["state"][2]) == ["exp_avg", "exp_avg_sq", "step"]
    assert state["state"][2]["step"] == 1
    assert state["state"][2]["exp_avg"].shape == (4,)
    assert [group["params"] for group in state["param_groups"]] == [[0, 1], [2]]
    assert state["param_groups"][1]["lr"] == 0.5
    assert state["param_groups"][1]["betas"] == (0.9, 0.999)


def test_a_loaded_state_goes_on_with_the_same_bits(make):
    p, q = parameter(3, 2), parameter(4)
    straight = make([p, q])
    for seed in range(3):
        give_gradients([p, q], seed)
        straight.step()
    twins = [minicnn.tensor(t.detach(), requires_grad=True) for t in (p, q)]
    resumed = make(twins)
    saved = straight.state_dict()
    groups = json.loads(json.dumps(saved["param_groups"]))  # what a file makes of it: lists, and keys of text
    resumed.load_state_dict({"state": {str(k): v for k, v in saved["state"].items()}, "param_groups": groups})
    assert resumed.param_groups[0] | {"params": 0} == straight.param_groups[0] | {"params": 0}
    for optimizer, parameters in ((straight, [p, q]), (resumed, twins)):
        for seed in range(3, 6):
            give_gradients(parameters, seed)
            optimizer.step()
    for a, b in zip([p, q], twins, strict=True):
        np.testing.assert_array_equal(a.detach(), b.detach())


@pytest.mark.parametrize(("saved", "loading"), [(optim.SGD, optim.Adam), (optim.Adam, optim.SGD)])
def test_the_state_of_another_class_is_refused(saved, loading):
    p = parameter(2)
    optimizer = saved([p])
    give_gradients([p], 0)
    optimizer.step()
    with pytest.raises(CheckpointError, match=f"{loading.__name__} has .* of the class that it was saved"):
        loading([p]).load_state_dict(optimizer.state_dict())


def test_a_parameter_in_two_saved_groups_is_refused():
    optimizer = optim.SGD([{"params": parameter(2)}, {"params": parameter(2)}])
    state = optimizer.state_dict()
    state["param_groups"][1]["params"] = [0]
    with pytest.raises(CheckpointError, match=r"a parameter appears twice in the groups \[\[0\], \[0\]\]"):
        optimizer.load_state_dict(state)


def test_the_first_rate_of_a_schedule_is_loaded_too():
    optimizer = optim.SGD([parameter(2)], lr=0.5)
    optim.lr_scheduler.StepLR(optimizer, 3)
    fresh = optim.SGD([parameter(2)])
    fresh.load_state_dict(optimizer.state_dict())
    assert fresh.param_groups[0]["initial_lr"] == 0.5


def test_pytorchs_own_state_is_understood():
    p = parameter(2)
    adam = optim.Adam([p])
    average = np.ones(2, np.float32)
    entries = {"step": np.array(7.0, np.float32), "exp_avg": average, "exp_avg_sq": average}
    adam.load_state_dict({"state": {0: entries}, "param_groups": [{**ADAM, "lr": 0.5}]})
    assert adam.state[p]["step"] == 7
    assert adam.state[p]["exp_avg"].dtype == minicnn.float64
    sgd = optim.SGD([p], momentum=0.9)
    sgd.load_state_dict({"state": {0: {"momentum_buffer": None}}, "param_groups": sgd.state_dict()["param_groups"]})
    give_gradients([p], 0)
    sgd.step()
    np.testing.assert_array_equal(sgd.state[p]["momentum_buffer"], p.grad)


@pytest.mark.parametrize(
    ("message", "state"),
    [
        (r"Adam.load_state_dict: expected the keys 'state' and 'param_groups', got \['model'\]", {"model": {}}),
        (
            r"the state has groups of \[2\] parameters, this optimizer has \[1\]",
            {"state": {}, "param_groups": [{"params": [0, 1]}]},
        ),
        (r"the state has parameters \[7\], which are in no", {"state": {7: {}}, "param_groups": [ADAM]}),
        (
            r"exp_avg has shape \(3,\), the parameter \(2,\); use a state of the same model",
            {"state": {0: {"step": 1, "exp_avg": np.ones(3), "exp_avg_sq": np.ones(2)}}, "param_groups": [ADAM]},
        ),
        (
            r"the state of a parameter has \['step'\], but Adam needs \['exp_avg', .*; load it into",
            {"state": {0: {"step": 1}}, "param_groups": [ADAM]},
        ),
        (
            "step must be an integer >= 0, got 'x'",
            {"state": {0: {"step": "x", "exp_avg": np.ones(2), "exp_avg_sq": np.ones(2)}}, "param_groups": [ADAM]},
        ),
        (
            "exp_avg must be a tensor, got a str",
            {"state": {0: {"step": 1, "exp_avg": "x", "exp_avg_sq": np.ones(2)}}, "param_groups": [ADAM]},
        ),
        (
            r"the state has the options \['lr', 'momentum'\], Adam has .*; load it into an optimizer of the class",
            {"state": {}, "param_groups": [{"params": [0], "lr": 1, "momentum": 0}]},
        ),
        (
            "the options cannot be used: Adam: lr must be at least 0, got -1",
            {"state": {}, "param_groups": [{**ADAM, "lr": -1}]},
        ),
        (
            "each group must list the numbers of its 'params', .* KeyError: 'params'",
            {"state": {}, "param_groups": [{"lr": 9}]},
        ),
        ("got ValueError: .*'a'", {"state": {"a": {}}, "param_groups": [ADAM]}),
        ("got ValueError: .*'x'", {"state": {}, "param_groups": [{**ADAM, "params": ["x"]}]}),
        ("got AttributeError", {"state": [], "param_groups": [ADAM]}),
    ],
)
def test_messages_of_load_state_dict(message, state):
    optimizer = optim.Adam([parameter(2)], lr=0.25)
    with pytest.raises(CheckpointError, match=message):
        optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 0.25
    assert optimizer.state == {}


def test_an_optimizer_must_say_what_it_does():
    class Nothing(Optimizer):
        pass

    p = parameter(2)
    p.grad = minicnn.zeros(2, dtype=p.dtype)
    with pytest.raises(NotImplementedError, match="Nothing has neither step nor update"):
        Nothing([p], {}).step()


def test_a_state_left_behind_by_its_parameters(device):
    p = minicnn.ones(2, requires_grad=True)
    optimizer = optim.SGD([p], lr=0.5, momentum=0.5)
    p.grad = minicnn.ones(2)
    optimizer.step()
    p.data, p.grad = p.data.to(device), p.grad.to(device)
    if device.name != "cpu":
        message = rf"sgd_step: the parameters are on {device}, but the optimizer's state is on cpu; after model.to"
        with pytest.raises(DeviceError, match=message):
            optimizer.step()
        optimizer.load_state_dict(optimizer.state_dict())
    optimizer.step()
    assert p.tolist() == [-0.25, -0.25]


def test_the_defaults_are_pytorchs():
    shared = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "amsgrad": False}
    expected = {
        optim.SGD: {"lr": 1e-3, "momentum": 0, "dampening": 0, "weight_decay": 0, "nesterov": False},
        optim.Adam: {**shared, "weight_decay": 0},
        optim.AdamW: {**shared, "weight_decay": 0.01},
    }
    for build, options in expected.items():
        group = build([parameter(2)]).param_groups[0]
        assert {name: group[name] for name in options} == options
