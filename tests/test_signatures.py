"""Signatures are PyTorch's, for every public function, class and method that PyTorch has too.

A call that PyTorch accepts has the same meaning here: names, order, kinds and defaults of the arguments are compared
with the ones that tests/oracles/record_torch_signatures.py recorded. A difference fails, or stands in REASONS.
"""

import importlib
import inspect
import json
import re
from pathlib import Path

import pytest

import minicnn

RECORDED = json.loads((Path(__file__).parent / "oracles" / "torch_signatures.json").read_text(encoding="utf-8"))
NAMES = [(module, name) for module, names in RECORDED.items() for name, several in names.items() if several]

# Arguments that are not there. A call with one of them raises TypeError.
MISSING = {
    "out",  # assign the result
    "layout",  # all tensors are dense
    "names",
    "_ranks",
    "pin_memory",
    "sparse_grad",
    "out_dtype",
    "pickle_module",  # files are safetensors files
    "pickle_protocol",
    "_use_new_zipfile_serialization",
    "_disable_byteorder_record",
    "mmap",
    "implicit",
    "memory_format",  # all tensors are in row-major order
}

REASONS = {
    # The names of reductions are text.
    **{
        ("distributed", name): {"op='sum', not '<RedOpType.SUM: 0>'"}
        for name in ("all_reduce", "reduce", "reduce_scatter", "reduce_scatter_tensor")
    },
    # The function looks at the type or number of its arguments.
    ("", "arange"): {"argument 0 is 'start', not 'end'"},
    ("", "randint"): {"argument 0 is 'low', not 'high'", "argument 1 is 'high', not 'size'"},
    ("", "max"): {"argument 1 is 'dim', not 'other'"},
    ("", "min"): {"argument 1 is 'dim', not 'other'"},
    ("Tensor", "max"): {"argument 0 is 'dim', not 'other'"},
    ("Tensor", "min"): {"argument 0 is 'dim', not 'other'"},
    ("", "std"): {"argument 1 is 'dim', not 'unbiased'"},
    ("", "var"): {"argument 1 is 'dim', not 'unbiased'"},
    ("Tensor", "std"): {"argument 0 is 'dim', not 'unbiased'"},
    ("Tensor", "var"): {"argument 0 is 'dim', not 'unbiased'"},
    # The function of nn.functional has `inplace` there.
    ("", "rrelu"): {"argument 4 is 'inplace', not 'generator'"},
    ("", "scatter"): {"argument 3 is 'src', not 'value'"},
    ("Tensor", "scatter"): {"argument 2 is 'src', not 'value'"},
    ("Tensor", "scatter_"): {"argument 2 is 'src', not 'value'"},
    **{("", name): {"argument 1 is 'dim', not 'unbiased'"} for name in ("std_mean", "var_mean")},
    ("", "randint_like"): {"argument 1 is 'low', not 'high'"},
    ("", "repeat_interleave"): {"argument 0 is 'input', not 'repeats'"},
    ("Tensor", "random_"): {"argument 0 is 'from_', not 'to'"},
    # An argument that is a number or a list has NumPy's name for both.
    **{
        (module, name): {f"argument {place} is 'indices_or_sections', not {other!r}" for other in others}
        for module, name, place, others in (
            ("", "hsplit", 1, ("sections", "indices")),
            ("", "vsplit", 1, ("sections", "indices")),
            ("", "dsplit", 1, ("sections", "indices")),
            ("", "tensor_split", 1, ("sections", "indices", "tensor_indices_or_sections")),
            ("Tensor", "tensor_split", 0, ("sections", "indices", "tensor_indices_or_sections")),
        )
    },
    ("", "isin"): {"argument 0 is 'elements', not 'element'", "argument 1 is 'test_elements', not 'test_element'"},
    **{("", name): {"argument 2, 'alpha', is missing"} for name in ("rsub", "subtract")},  # it is there by keyword
    **{("Tensor", name): {"argument 1, 'alpha', is missing"} for name in ("subtract", "subtract_")},
    # Not there yet.
    ("", "from_dlpack"): {"'device' is missing", "'copy' is missing"},
    ("", "norm"): {"argument 5, 'dtype', is missing"},  # it is there by keyword
    ("Tensor", "norm"): {"argument 3, 'dtype', is missing"},
    # Tensors and numbers in any order.
    ("", "result_type"): {
        "argument 0 is 'tensor', not 'scalar'",
        "argument 0 is 'tensor', not 'scalar1'",
        "argument 1 is 'other', not 'scalar2'",
        "argument 1 is 'other', not 'tensor'",
    },
    # The default generator has no text.
    ("utils.data", "random_split"): {"generator=None, not '<torch._C.Generator object>'"},
    # Only `from_buffer` is there.
    ("", "ByteStorage"): {f"{name!r} is missing" for name in ["wrap_storage", "dtype", "device", "_internal"]},
    # The stub files of PyTorch have another name than its documentation.
    ("Tensor", "requires_grad_"): {"argument 0 is 'requires_grad', not 'mode'"},
    # None and an empty list mean the same.
    ("nn", "ModuleList"): {"modules=[], not None"},
}


def parameters(module, name):
    """Return the parameters of our function, without the object of a method."""
    owner = owner_of(module)
    own = list(inspect.signature(getattr(owner, name)).parameters.values())
    return own[1:] if isinstance(owner, type) else own


def owner_of(module):
    """Return a module of minicnn, or a class if the last name begins with a capital."""
    above, _, last = module.rpartition(".")
    if last[:1].isupper():
        return getattr(owner_of(above), last)
    return importlib.import_module(".".join(filter(None, ("minicnn", module))))


def differences(ours, theirs):
    """Yield what of a call with their signature would fail, or mean something else, with ours."""
    places = [p for p in ours if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    any_place = any(p.kind is p.VAR_POSITIONAL for p in ours)
    any_name = any(p.kind is p.VAR_KEYWORD for p in ours)
    by_name = {p.name: p for p in ours}
    for index, (name, kind, *default) in enumerate(theirs):
        if kind.startswith("POSITIONAL"):
            here = places[index].name if index < len(places) else None
            if here is None and not any_place and name not in MISSING:
                yield f"argument {index}, {name!r}, is missing"
            elif here is not None and name not in (here, "self"):  # an argument `self` has no name in a call
                yield f"argument {index} is {here!r}, not {name!r}"
        elif kind == "KEYWORD_ONLY" and name not in by_name and not any_name and name not in MISSING:
            yield f"{name!r} is missing"
        if default and name in by_name.keys() - MISSING and by_name[name].default is not inspect.Parameter.empty:
            here = by_name[name].default
            here = list(here) if isinstance(here, tuple) else here
            here = re.sub(r" at 0x\w+", "", repr(here)) if inspect.isfunction(here) else here
            if here != default[0] and default[0] != "Ellipsis" and (here, default[0]) != (None, []):
                yield f"{name}={here!r}, not {default[0]!r}"


def is_older(theirs):
    """Return whether a signature has PyTorch's older order of arguments, add(x, alpha, y), which it warns about."""
    names = [name for name, kind, *_ in theirs if kind.startswith("POSITIONAL")]
    return names[:1] == ["beta"] or (len(names) > 2 and names[1] in ("alpha", "value"))


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_signatures_are_pytorchs(module, name):
    ours = parameters(module, name)
    found = [set(differences(ours, theirs)) for theirs in RECORDED[module][name] if not is_older(theirs)]
    defaults = {d for several in found for d in several if "=" in d}
    wrong = {d for d in defaults if all(d in several for several in found)}  # several signatures differ in defaults
    problems = wrong | {d for several in found for d in several - defaults}
    assert problems == REASONS.get((module, name), set())


def test_the_record_is_not_empty():
    compared = sum(len(parameters(m, n)) for m, n in NAMES)
    assert compared >= 900
    assert REASONS.keys() <= set(NAMES)


@pytest.mark.parametrize("module", [module for module in RECORDED if not isinstance(owner_of(module), type)])
def test_few_public_names_are_not_in_the_record(module):
    """A new public name must be recorded, or PyTorch does not have it."""
    owner = importlib.import_module(".".join(filter(None, ("minicnn", module))))
    callables = {n for n in owner.__all__ if callable(getattr(owner, n))}
    own = {name for name in callables if name in minicnn.errors.__all__}
    own |= {
        "MaxResult",
        "TypedTensor",
        "bias_act",
        "detect_anomaly",
        "draw",
        "calculate_fan_in_and_fan_out",
        "erf",
        "explain",
        "fuse",
        "getitem",
        "setitem",
        "summary",
        "watch",
    }
    own |= {"as_float", "broadcast_to", "cast", "contiguous", "expand", "repeat", "to", "use_backends", "use_kernel"}
    assert callables - RECORDED[module].keys() <= own
