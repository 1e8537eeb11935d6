"""Tests of Module and Parameter: attributes, iteration, state dict, hooks, copies, repr, and error messages."""

import copy

import numpy as np
import pytest

import minicnn
from minicnn import CheckpointError, DeviceError, DTypeError, ShapeError, nn
from minicnn.nn.loading import LoadResult


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)
        self.register_buffer("count", minicnn.tensor(0))
        self.register_buffer("scratch", minicnn.zeros(2), persistent=False)
        self.scale = nn.Parameter(minicnn.ones(2))
        self.norm = nn.BatchNorm1d(2)

    def forward(self, x, twice=False):
        y = self.norm(self.fc(x)) * self.scale
        return y * 2 if twice else y


KEYS = [
    *("scale", "count", "fc.weight", "fc.bias"),
    *("norm.weight", "norm.bias", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked"),
]


# --- attributes and walks -------------------------------------------------------------------------------------


def test_names_come_in_pytorchs_order_own_first():
    net = Net()
    assert list(net.state_dict()) == KEYS
    parameters = ["scale", "fc.weight", "fc.bias", "norm.weight", "norm.bias"]
    assert [n for n, _ in net.named_parameters()] == parameters
    assert [n for n, _ in net.named_buffers()][:2] == ["count", "scratch"]
    assert [n for n, _ in net.named_parameters(prefix="net", recurse=False)] == ["net.scale"]
    assert [n for n, _ in net.named_children()] == ["fc", "norm"]
    assert [n for n, _ in net.named_modules()] == ["", "fc", "norm"]
    assert len(list(net.modules())) == 3
    assert len(list(net.children())) == 2
    assert len(list(net.buffers())) == 5
    assert len(list(net.parameters(recurse=False))) == 1


def test_what_is_shared_is_walked_once_but_saved_under_both_names():
    net = nn.Module()
    net.a, net.b = nn.Linear(2, 2), nn.Linear(2, 2, bias=False)
    net.b.weight = net.a.weight
    net.c = net.a
    assert [n for n, _ in net.named_parameters()] == ["a.weight", "a.bias"]
    assert [n for n, _ in net.named_children()] == ["a", "b"]
    assert list(net.state_dict()) == ["a.weight", "a.bias", "b.weight", "c.weight", "c.bias"]
    twin = copy.deepcopy(net)
    assert twin.b.weight is twin.a.weight is not net.a.weight
    assert twin.c is twin.a


def test_an_attribute_set_to_none_or_deleted_is_gone_from_the_walks():
    net = Net()
    net.scale = None
    del net.fc
    net.count = None
    assert next(iter(net.state_dict())) == "norm.weight"
    with pytest.raises(AttributeError, match=r"Net has no attribute 'fc'$"):
        net.fc  # noqa: B018


def test_a_buffer_that_becomes_a_parameter_is_a_buffer_no_more():
    net = Net()
    net.count = nn.Parameter(minicnn.ones(1))
    assert "count" in dict(net.named_parameters())
    assert "count" not in dict(net.named_buffers())
    assert list(net.state_dict()).count("count") == 1


def test_a_deleted_buffer_frees_its_name():
    net = Net()
    del net.count
    net.count = 3
    assert net.count == 3
    assert "count" not in net.state_dict()


def test_a_submodule_is_found_by_its_dotted_name():
    chain = nn.Sequential(nn.Sequential(nn.ReLU(), nn.Linear(1, 1)))
    assert chain.get_submodule("0.1") is chain[0][1]
    assert chain.get_submodule("") is chain
    with pytest.raises(AttributeError, match=r"get_submodule: 'weight' in '0\.1\.weight' is not a module"):
        chain.get_submodule("0.1.weight")


def test_attributes_before_init_give_a_clear_error():
    class Early(nn.Module):
        def __init__(self):
            self.fc = nn.Linear(1, 1)

    class Never(nn.Module):
        def __init__(self):
            self.size = 3

    with pytest.raises(
        AttributeError, match=r"Early: 'fc' is set before super\(\).__init__\(\) was called; call it first"
    ):
        Early()
    with pytest.raises(AttributeError, match=r"Never has no attribute .*; call super\(\).__init__\(\) first"):
        Never()(1)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda n: setattr(n, "scale", minicnn.ones(2)),
            DTypeError,
            "'scale' is a Parameter and cannot become a Tensor; w",
        ),
        (lambda n: setattr(n, "fc", 3), DTypeError, "Net: 'fc' is a Module and cannot become a int"),
        (lambda n: setattr(n, "count", 3.0), DTypeError, "Net: 'count' is a buffer and cannot become a float; wrap it"),
        (
            lambda n: n.register_buffer("b", n.scale),
            DTypeError,
            "'b' must be a plain Tensor or None, got Parameter; pass its .detach",
        ),
        (lambda n: n.add_module("training", nn.ReLU()), ShapeError, "'training' cannot name .* method or setting"),
        (lambda n: n.register_buffer("b", 3), DTypeError, "Net: 'b' must be a Tensor or None, got int"),
        (
            lambda n: n.register_parameter("p", minicnn.ones(1)),
            DTypeError,
            "'p' must be a Parameter or None, got Tensor",
        ),
        (lambda n: n.add_module("m", minicnn.ones(1)), DTypeError, "'m' must be a Module or None, got Tensor"),
        (
            lambda n: n.register_buffer("a.b", None),
            ShapeError,
            "Net: 'a.b' cannot name an attribute: .* choose another",
        ),
        (lambda n: n.add_module("", nn.ReLU()), ShapeError, "Net: '' cannot name an attribute"),
        (
            lambda n: n.add_module("forward", nn.ReLU()),
            ShapeError,
            "'forward' cannot name an attribute: .* hides a method",
        ),
    ],
)
def test_messages_of_registering(change, error, message):
    with pytest.raises(error, match=message):
        change(Net())


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match=r"Module has no forward\(\); define it"):
        nn.Module()(1)


def test_a_parameter_shares_memory_and_wants_a_gradient():
    x = minicnn.ones(2)
    p = nn.Parameter(x)
    assert p.requires_grad
    assert p.array is x.array
    assert isinstance(copy.deepcopy(p), nn.Parameter)
    assert not nn.Parameter(x, requires_grad=False).requires_grad
    assert repr(p) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"


# --- changes to all -------------------------------------------------------------------------------------------


def test_train_eval_apply_and_freezing():
    net, seen = Net(), []
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    assert net.train().norm.training
    net.apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Linear", "BatchNorm1d", "Net"]
    net.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())


def test_zero_grad():
    net = Net()
    net(minicnn.rand(4, 3)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert all((p.grad == 0).all() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_to_keeps_parameters_the_same_objects_and_integers_integers():
    net = Net()
    net(minicnn.rand(4, 3)).sum().backward()
    before = list(net.parameters())
    assert net.double() is net
    assert all(a is b for a, b in zip(before, net.parameters(), strict=True))
    assert {p.dtype for p in net.parameters()} == {p.grad.dtype for p in net.parameters()} == {minicnn.float64}
    assert net.norm.running_mean.dtype == minicnn.float64
    assert net.count.dtype == net.norm.num_batches_tracked.dtype == minicnn.int64
    assert net(minicnn.rand(4, 3, dtype=minicnn.float64)).dtype == minicnn.float64
    net.float().cpu().to("cpu").to(minicnn.ones(1, dtype=minicnn.float64)).to(dtype=minicnn.float32)
    assert net.fc.weight.dtype == minicnn.float32
    assert list(net.state_dict()) == KEYS


def test_to_refuses_what_is_no_place_and_no_type():
    with pytest.raises(DeviceError, match="there is no device 'gpu'"):
        Net().to("gpu")
    with pytest.raises(DTypeError, match="to: expected a device, an element type or a tensor"):
        Net().to(3)


def test_a_deep_copy_is_independent():
    net = Net()
    twin = copy.deepcopy(net)
    net.fc.weight.data.zero_()
    net.norm.running_mean.fill_(5)
    assert twin.fc.weight.abs().sum().item() > 0
    assert twin.norm.running_mean.sum().item() == 0
    twin(minicnn.rand(4, 3)).sum().backward()
    assert net.fc.weight.grad is None


# --- hooks ----------------------------------------------------------------------------------------------------


def test_hooks_see_and_replace_arguments_and_output():
    net, seen = nn.Linear(2, 2), []
    x = minicnn.ones(1, 2)
    plain = net(x)
    handles = [
        net.register_forward_pre_hook(lambda module, args: seen.append(args[0] is x)),
        net.register_forward_pre_hook(lambda module, args: args[0] * 0),
        net.register_forward_hook(lambda module, args, output: seen.append((args[0] == 0).all().item())),
        net.register_forward_hook(lambda module, args, output: output + 1),
    ]
    np.testing.assert_allclose(net(x).detach().numpy()[0], net.bias.detach().numpy() + 1)
    assert seen == [True, True]
    for handle in handles:
        handle.remove()
    handles[0].remove()  # a second call has no effect
    assert net(x).tolist() == plain.tolist()
    assert len(seen) == 2


def test_removing_a_hook_leaves_those_registered_later():
    net, seen = nn.ReLU(), []
    first = net.register_forward_hook(lambda *_: seen.append(1))
    net.register_forward_hook(lambda *_: seen.append(2))
    first.remove()
    net.register_forward_hook(lambda *_: seen.append(3))
    net(minicnn.ones(1))
    assert seen == [2, 3]


def test_removing_a_hook_twice_leaves_one_registered_between():
    net, seen = nn.ReLU(), []
    first = net.register_forward_hook(lambda *_: seen.append(1))
    first.remove()
    net.register_forward_hook(lambda *_: seen.append(2))
    first.remove()
    net(minicnn.ones(1))
    assert seen == [2]


def test_keywords_reach_forward():
    net, x = Net().eval(), minicnn.rand(4, 3)
    np.testing.assert_allclose(net(x, twice=True).detach().numpy(), 2 * net(x).detach().numpy())


# --- state ----------------------------------------------------------------------------------------------------


def test_state_goes_round_and_shares_memory_on_the_way_out_only():
    net, other = Net(), Net()
    net(minicnn.rand(4, 3))
    state = net.state_dict()
    assert not any(value.requires_grad for value in state.values())
    assert other.load_state_dict(state) == LoadResult([], [])
    for key, value in other.state_dict().items():
        assert value.tolist() == state[key].tolist()
        assert not np.shares_memory(value.array, state[key].array)
    state["scale"].fill_(7)
    assert net.scale.tolist() == [7, 7]
    assert next(iter(net.state_dict(prefix="net."))) == "net.scale"


def test_arrays_of_another_type_are_converted():
    net = Net()
    state = {key: value.numpy().astype(np.float64) for key, value in net.state_dict().items()}
    net.load_state_dict(state)
    assert net.fc.weight.dtype == minicnn.float32
    assert net.count.dtype == minicnn.int64


def test_every_misfit_is_listed_and_nothing_is_loaded():
    net = Net()
    state = {key: value.clone() + 1 for key, value in net.state_dict().items()}
    state["fc.weight"] = minicnn.zeros(2, 4)
    state["extra"] = state.pop("norm.bias")
    before = net.scale.tolist()
    with pytest.raises(CheckpointError) as caught:
        net.load_state_dict(state)
    assert str(caught.value) == (
        "load_state_dict: the state does not fit Net: 'fc.weight' is (2, 4) in the state but (2, 3) in the model; "
        "missing keys 'norm.bias' (strict=False ignores them); "
        "unexpected keys 'extra' (strict=False ignores them)"
    )
    with pytest.raises(CheckpointError, match=r"'fc.weight' is \(2, 4\) in the state but \(2, 3\) in the model$"):
        net.load_state_dict(state, strict=False)
    assert net.scale.tolist() == before


def test_not_strict_returns_what_it_passed_over():
    net = Net()
    result = net.load_state_dict({"scale": [3.0, 4.0], "extra": 1}, strict=False)
    assert result.missing_keys == [key for key in KEYS[1:] if key != "norm.num_batches_tracked"]
    assert result.unexpected_keys == ["extra"]
    assert net.scale.tolist() == [3, 4]
    assert net.scale.requires_grad


# --- text -----------------------------------------------------------------------------------------------------


def test_text_is_a_tree():
    class Scaled(Net):
        def extra_repr(self):
            return "factor=2"

    assert repr(nn.Sequential(Net(), nn.Tanh())) == (
        "Sequential(\n  (0): Net(\n    (fc): Linear(in_features=3, out_features=2, bias=True)\n"
        "    (norm): BatchNorm1d(2, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)\n  )\n"
        "  (1): Tanh()\n)"
    )
    assert repr(Scaled()).startswith("Scaled(\n  factor=2\n  (fc)")


def test_the_order_is_that_of_the_first_parameter_or_module():
    class Late(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = None
            self.register_parameter("b", None)
            self.add_module("c", None)
            self.d = nn.Linear(1, 1)
            self.e = minicnn.ones(1)
            self.f = nn.Parameter(minicnn.ones(1))
            self.register_buffer("g", None)
            self.h = nn.Parameter(minicnn.ones(1))

    def order(module):
        return [name.split(".")[0] for name in dict(module.named_parameters())]

    late = Late()
    late.a, late.c = nn.Conv2d(1, 1, 1, bias=False), nn.ReLU()
    assert list(dict(late.named_children())) == ["c", "d", "a"]
    late.b, late.e = nn.Parameter(minicnn.ones(1)), nn.Parameter(minicnn.ones(1))
    assert order(late) == ["b", "f", "h", "e", "d", "d", "a"]
    late.d = nn.Conv2d(1, 1, 1, bias=False)  # another layer in the same place
    late.f = None
    assert order(late) == ["b", "h", "e", "d", "a"]
    late.f = nn.Parameter(minicnn.ones(1))
    assert order(late) == ["b", "f", "h", "e", "d", "a"]
    late.g = nn.Parameter(minicnn.ones(1))
    del late.f
    late.f = nn.Parameter(minicnn.ones(1))
    assert order(late) == ["b", "h", "e", "g", "f", "d", "a"]
