"""Padding in every number of axes: values, gradients, negative numbers, element types, refused calls."""

__all__ = ["CALLS", "START"]

START = """
x = torch.arange(24.0, dtype=torch.float64).reshape(1, 2, 3, 4).requires_grad_()
one, two, three = x[0], x, x.reshape(1, 2, 3, 2, 2)
i, b, empty = x.detach().long(), x.detach() > 5, torch.zeros(0, 2, 3, 4)

def ones(*shape):
    return torch.ones(shape)
"""

LAYERS = [f"nn.{kind}Pad" for kind in ("Zero", "Reflection", "Replication", "Circular")]

CALLS = (
    *(f"gradients({layer}1d((1, 2))(one) ** 2, x)" for layer in LAYERS),
    *(f"gradients({layer}2d((1, 2, 2, 1))(two) ** 2, x)" for layer in LAYERS),
    *(f"gradients({layer}3d((1, 0, 0, 1, 2, 1))(three) ** 2, x)" for layer in LAYERS),
    *(f"gradients({layer}2d((-1, 2, 1, -2))(two) ** 2, x)" for layer in LAYERS),
    *(f"[{layer}1d(1)(one[0]), {layer}2d(1)(one), {layer}3d(1)(three[0])]" for layer in LAYERS),
    *(f"[{layer}2d(1)(i), {layer}1d(1)(empty.reshape(0, 2, 3)).shape]" for layer in LAYERS),
    *(f"[repr({layer}1d(1)), repr({layer}2d((1, 2, 3, 4))), repr({layer}3d(2))]" for layer in LAYERS),
    *(f"{layer}1d((2, -1))(one.transpose(1, 2).flip(0)[:, ::2])" for layer in LAYERS),
    *(
        f"[refused({layer}1d(1), ones(*s)) for s in ((3,), (1, 2, 3, 3))] + "
        f"[refused({layer}2d(1), ones(*s)) for s in ((3, 3), (1, 1, 2, 3, 3))] + "
        f"[refused({layer}3d(1), ones(*s)) for s in ((2, 3, 3),)]"
        for layer in LAYERS[1:]
    ),
    "[refused(nn.ReflectionPad1d(n), one) for n in (3, 4, (0, 4), (-1, 3))]",
    "[refused(nn.CircularPad1d(n), one) for n in (4, 5, (0, 5), (5, -1))]",
    "[refused(nn.ReplicationPad2d(n), ones(1, 2, 0, 3)) for n in (1, (0, 0, 0, 1))]",
    "[nn.ConstantPad1d((1, 2), 3.5)(one), nn.ConstantPad2d((1, 2, -1, 0), -1)(two), nn.ConstantPad3d(1, 0.5)(three)]",
    "gradients(nn.ConstantPad2d((1, -2, -1, 3), 2.0)(two) ** 2, x)",
    "[nn.ConstantPad1d(1, 0)(ones(3)), nn.ConstantPad2d(1, 7)(ones(2, 2)), nn.ZeroPad1d(1)(ones(1, 1, 1, 2))]",
    "[nn.ConstantPad1d(1, 2.7)(i), nn.ConstantPad1d(1, True)(b), nn.ConstantPad1d(1, 2)(b)]",
    "[repr(nn.ConstantPad1d(2, 3.5)), repr(nn.ConstantPad2d((1, 2, 0, -1), True)), repr(nn.ConstantPad3d(1, 1.0))]",
    "[refused(nn.ConstantPad2d(1, 0), ones(3)), refused(nn.ZeroPad3d(1), ones(3, 3))]",
    "[F.pad(two, (1, 1, 1, 1, 1, 1), m).shape for m in ('reflect', 'replicate', 'circular')]",
    "[F.pad(one, (1, 2, 1, 0), m) for m in ('reflect', 'replicate', 'circular')]",
    "[refused(F.pad, two, (1, 1, 1, 1), 'reflect', v) for v in (0.0, 1.0, None)]",
    "[refused(F.pad, one, p) for p in ((1, 1, 1), (-5, 1), (-2, -1), (-3, -2), (-5, 6), ())]",
    "refused(F.pad, one, (1, 1), 'foo')",
    "[F.pad(one, (-2, -2)), F.pad(one, ()), F.pad(one, (1, 0), value=None)]",
    "F.pad(one, (0, 0, 0, 0, 1, 0), 'constant', 2)",
)
