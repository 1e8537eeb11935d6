"""Normalisation: limits of eps, groups of one value, RMS norm, norm over near channels."""

__all__ = ["CALLS", "START"]

START = """
x = ((torch.arange(60.0, dtype=torch.float64) * 37 % 31) / 8 - 1.5).reshape(2, 5, 3, 2).requires_grad_()
w = (torch.arange(6.0, dtype=torch.float64) / 4 + 0.5).reshape(3, 2).requires_grad_()
f, i, two = x.detach().float(), x.detach().long(), torch.ones(2)

def ones(*shape):
    return torch.ones(shape)
"""

CALLS = (
    "[refused(F.batch_norm, ones(3, 2), None, None, training=True, eps=e) for e in (0.0, -1.0, 0, 1e-9)]",
    "[refused(F.batch_norm, ones(3, 2), two, two, training=False, eps=e) for e in (0.0, -1.0)]",
    "F.batch_norm(ones(3, 2), two, two * 0, training=False, eps=0.0)",
    "[refused(nn.BatchNorm1d(2, eps=e), ones(3, 2)) for e in (0, -1)]",
    "[nn.BatchNorm1d(2, eps=0).eval()(ones(3, 2)), repr(nn.BatchNorm1d(2, eps=-1))]",
    "[refused(F.batch_norm, ones(3, 2), *r, training=t) for r in ((two, None), (None, two)) for t in (True, False)]",
    "[F.instance_norm(f, eps=0.0), F.instance_norm(f, eps=0.5)]",
    "[F.group_norm(ones(*s), 2) for s in ((3, 2), (3, 2, 1, 1), (0, 2, 1, 1), (2, 2, 0))]",
    "[refused(F.group_norm, ones(*s), g) for s, g in (((1, 2), 2), ((1, 2, 1, 1), 2), ((1, 4), 2), ((3, 2), 0))]",
    "[refused(nn.GroupNorm(2, 2), ones(1, 2)), refused(F.group_norm, ones(2), 1)]",
    "[F.layer_norm(ones(2, 1), (1,)), F.layer_norm(ones(2, 2), (2,), eps=0.0), F.layer_norm(ones(0, 2), (2,))]",
    # RMS norm
    "[F.rms_norm(x, s) for s in ((2,), (3, 2), [5, 3, 2])]",
    "[F.rms_norm(f, (2,)), F.rms_norm(f, (3, 2), w.float(), 0.25), F.rms_norm(f * 0, (2,))]",
    "gradients(F.rms_norm(x, (3, 2), w) ** 2, x, w)",
    "gradients(F.rms_norm(x, (2,), eps=0.5) ** 3, x)",
    "gradients(F.rms_norm(x.transpose(1, 2).flip(0)[..., ::2], (5, 1), eps=0.1) ** 2, x)",
    "[F.rms_norm(ones(0, 2), (2,)), F.rms_norm(ones(2, 0), (0,)), torch.rms_norm(f, (2,), None, 0.5)]",
    "[F.rms_norm(f[0, 0], (2,), ones(2).double()), F.rms_norm(f * 0, (2,), eps=0.0), F.rms_norm(f, (2,), eps=-0.5)]",
    "[refused(F.rms_norm, *a) for a in ((x, (3,)), (x, ()), (i, (2,)), (x, (2,), w), (x, (2, 2)))]",
    "[nn.RMSNorm(2)(f), nn.RMSNorm([3, 2], 0.5, False)(f), nn.RMSNorm((3, 2), dtype=torch.float64)(x)]",
    "[repr(nn.RMSNorm(2)), repr(nn.RMSNorm((3, 2), 1e-3, False)), list(nn.RMSNorm(2).state_dict())]",
    # near channels
    "[F.local_response_norm(x, n, 1.0, 0.5, 2.0) for n in (1, 2, 3, 4, 5, 9)]",
    "[F.local_response_norm(f, 2), F.local_response_norm(f, 3, 1e-2, 0.75, 0.5), F.local_response_norm(x[0], 3, 2.0)]",
    "gradients(F.local_response_norm(x, 3, 1.0, 0.5, 2.0) ** 2, x)",
    "gradients(F.local_response_norm(x[..., 0], 2, 3.0) ** 2, x)",
    "gradients(F.local_response_norm(x.reshape(1, 5, 2, 3, 2), 4, 3.0, 1.0) ** 2, x)",
    "[F.local_response_norm(ones(*s), 2) for s in ((0, 3, 4), (2, 0, 4), (2, 3, 0))]",
    "[F.local_response_norm(ones(1, 2, 2, 1, 1, 2), 2).shape, F.local_response_norm(f[:1, :, ::2].flip(1), 2, 1.0)]",
    "[refused(F.local_response_norm, *a) for a in ((ones(2, 3), 2), (x, 0), (x, -1))]",
    "[nn.LocalResponseNorm(3, 0.5, 0.5, 2.0)(x), repr(nn.LocalResponseNorm(2)), repr(nn.LocalResponseNorm(3, k=2.0))]",
)
