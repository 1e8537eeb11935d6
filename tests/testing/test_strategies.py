"""Test that the strategies of primitives reach the corner cases."""

from hypothesis import given, settings

from minicnn.testing import cases

MANY = settings(max_examples=300)


def gather(name, look):
    seen = set()

    @MANY
    @given(case=cases(name))
    def run(case):
        seen.update(look(case))

    run()
    return seen


def test_convolutions():
    def look(case):
        x, w = case.inputs
        spec = case.params["spec"]
        yield f"{len(spec.kernel_size)} axes"
        yield f"groups {spec.groups}"
        yield f"batch {x.shape[0]}"
        yield f"stride {max(spec.stride)}"
        yield f"dilation {max(spec.dilation)}"
        if any(before != after for before, after in spec.padding):
            yield "lopsided padding"
        if spec.output_size == (1,) * len(spec.kernel_size):
            yield "one output"
        if any(after < 0 for _, after in spec.window_padding):
            yield "unread rows"
        if w.shape[1] >= 4:
            yield "wide groups"

    wanted = {"1 axes", "2 axes", "3 axes", "groups 1", "groups 2", "groups 3", "batch 0", "batch 1", "stride 3"}
    wanted |= {"dilation 1", "dilation 2", "lopsided padding", "one output", "unread rows", "wide groups"}
    assert wanted <= gather("conv", look)


def test_pooling():
    def look(case):
        spec = case.params["spec"]
        yield f"{len(spec.kernel_size)} axes"
        yield f"ceil_mode {spec.ceil_mode}"
        yield f"count_include_pad {spec.count_include_pad}"
        yield f"divisor {spec.divisor_override}"
        yield "disjoint" if spec.stride == spec.kernel_size else "overlapping"
        if any(max(pair) for pair in spec.padding):
            yield "padding"
        if len(spec.taps) >= 32:
            yield "large windows"

    seen = gather("avg_pool", look)
    assert {"1 axes", "2 axes", "3 axes", "ceil_mode True", "ceil_mode False", "divisor 3", "padding"} <= seen
    assert {"count_include_pad True", "count_include_pad False", "disjoint", "overlapping", "large windows"} <= seen


def test_indices():
    def look(case):
        for entry in case.params["index"]:
            yield type(entry).__name__

    assert {"slice", "int", "ndarray", "NoneType", "ellipsis"} <= gather("index", look)
