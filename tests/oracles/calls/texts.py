"""Texts of tensors. PyTorch's `torch.float64` is `float64` here."""

__all__ = ["CALLS", "START"]

START = """
inf, nan = float("inf"), float("nan")
t = torch.tensor

def text(*values):
    return [str(v).replace("torch.", "") for v in values]

def printed(*values, **options):
    try:
        torch.set_printoptions(**options)
        return text(*values)
    finally:
        torch.set_printoptions(profile="default")

x = t([[1.0, 2.5], [-3.0, 0.125]])
w = t([1.0, 2.0], requires_grad=True)
long = torch.arange(1001)
"""

_VALUES = (
    "t(12.5)",
    "t(12.0)",
    "t(3)",
    "t(True)",
    "t(-0.0)",
    "t(0.0)",
    "t(nan)",
    "t(inf)",
    "t(-inf)",
    "t(1e10)",
    "t(1e8)",
    "t(1e9)",
    "t(123456789.0)",
    "t(0.00001)",
    "t(0.0001)",
    "t(1e-40)",
    "t(3.14159265358979, dtype=torch.float64)",
    "t([1.0, 2.0])",
    "t([1.0, 2.5])",
    "t([1.0, -2.5, 100.25])",
    "t([1.0, nan])",
    "t([0.0, nan])",
    "t([0.0, inf, -inf])",
    "t([0.5, inf, -inf, nan])",
    "t([1.0, 2000.0])",
    "t([1.5, 2000.0])",
    "t([1.0, 1000.0])",
    "t([0.1, 100.5])",
    "t([1e-5, 1.0])",
    "t([1e-5, 2e-5])",
    "t([1e9, 1.0])",
    "t([-1e-3, 5e3])",
    "t([1, -20, 300])",
    "t([True, False])",
    "t([[True, False], [False, False]])",
    "t([1, 2], dtype=torch.int32)",
    "t([1, 2], dtype=torch.uint8)",
    "t([1.0, 2.5], dtype=torch.float64)",
    "t([1.0, 2.5], dtype=torch.float16)",
    "t([])",
    "t([], dtype=torch.float64)",
    "t([], dtype=torch.int64)",
    "torch.zeros(0, 3)",
    "torch.zeros(2, 0, dtype=torch.int32)",
    "torch.zeros(0, requires_grad=True)",
    "x",
    "x[None]",
    "x[None, None]",
    "torch.zeros(2, 2, 2)",
    "torch.zeros(1, 1, 1, 1)",
    "torch.arange(12.0).reshape(2, 3, 2)",
    "torch.arange(24).reshape(2, 3, 2, 2)",
    "torch.arange(30)",
    "torch.arange(30.0) / 7",
    "torch.arange(60.0).reshape(2, 30) / 7",
    "torch.arange(30.0, dtype=torch.float64) / 7",
    "torch.arange(9.0, dtype=torch.float64) / 7",
    "torch.arange(1000) // 500",
    "long",
    "long * 1.5",
    "long.reshape(7, 143)",
    "torch.arange(1e4).reshape(100, 100)",
    "torch.arange(1e4, dtype=torch.float64).reshape(100, 100) / 7",
    "torch.arange(1e4).reshape(5, 20, 100)",
    "torch.arange(1200).reshape(600, 2)",
    "torch.arange(1200).reshape(2, 600)",
    "torch.arange(2048).reshape(2, 2, 8, 8, 8)",
    "torch.zeros(2000)",
    "torch.ones(1001) > 0",
    "w",
    "w * 2",
    "w + 1",
    "w.sum()",
    "w.exp()",
    "(w * 2).detach()",
    "w / 3 - 1",
    "w.double().log()[None].tanh()",
    "torch.arange(30.0, requires_grad=True)",
    "torch.arange(14.0, requires_grad=True)",
    "nn.Parameter(w)",
    "[w, t(1)]",
    "t([1 + 2j, -0.5j])",
    "t(1 + 2j)",
    "t([[1 + 2j, 3 - 4j]])",
    "t([1e5 + 2j, 1j])",
    "t([1 + 2j], dtype=torch.complex128)",
    "t([complex(nan, inf), 1j])",
    "torch.arange(24) * (1 + 0.5j)",
)

CALLS = [
    *(f"text({v})" for v in _VALUES),
    *(
        f"printed(x, t([1 / 3, 2e4]), long, torch.arange(60.0).reshape(3, 20) / 7, {options})"
        for options in (
            "precision=2",
            "precision=0",
            "sci_mode=True",
            "sci_mode=False",
            "linewidth=40",
            "linewidth=200",
            "threshold=5",
            "threshold=5, edgeitems=1",
            "profile='short'",
            "profile='full'",
            "profile='default', precision=6",
            "threshold=5, edgeitems=2, linewidth=30, precision=1",
        )
    ),
    "printed(t([1.0, 2.0]), t([1, 2]), t(True), t([nan]), t([1 + 1j]), sci_mode=True)",
    "printed(t([1e10, 2.0]), sci_mode=False)",
    "f'{t(1.23456):.2f} {t(3.0)} {t([3])} {t(2)}'",
    "repr(w) == str(w)",
]
