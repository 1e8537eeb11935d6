"""Pooling: adaptive, fractional, with powers, and back; ties, NaN, views; all arguments of the other functions."""

__all__ = ["CALLS", "START"]

START = """
inf, nan = float("inf"), float("nan")
x = ((torch.arange(70.0, dtype=torch.float64) * 37 % 31) / 4 - 3).reshape(1, 2, 5, 7).requires_grad_()
s, v = x[0, :, :, 0], x.reshape(1, 1, 2, 5, 7)
ties = torch.tensor([[[1.0, 3.0, 3.0, 2.0], [3.0, nan, 1.0, nan], [2.0, 2.0, inf, -inf]]])
f, i, empty = x.detach().float(), x.detach().long(), torch.zeros(0, 2, 5, 7)
two, three = torch.tensor([[[0.3, 0.9], [0.75, 0.1]]]).double(), torch.tensor([[[0.3, 0.9, 0.6]]]).double()
places = torch.tensor([[[[0, 5], [7, 15]], [[3, 2], [1, 12]]]])
small = torch.tensor([[[[1.0, 2.0], [3.0, -4.0]], [[0.5, 0.25], [-1.0, 6.0]]]], dtype=torch.float64, requires_grad=True)

def ones(*shape):
    return torch.ones(shape)

def both(result):
    return result[0], result[1]
"""

CALLS = (
    # adaptive
    "[both(F.adaptive_max_pool1d(s, n, True)) for n in (1, 2, 3, 5, 8)]",
    "[both(F.adaptive_max_pool2d(x, n, True)) for n in (1, 2, 3, (2, 5), (None, 3), (4, None), (7, 9))]",
    "[both(F.adaptive_max_pool3d(v, n, return_indices=True)) for n in (1, 2, (1, 3, 4), (None, 2, None))]",
    "gradients(F.adaptive_max_pool1d(s, 3) ** 2, x)",
    "gradients(F.adaptive_max_pool2d(x, (3, 4)) ** 2, x)",
    "gradients(F.adaptive_max_pool3d(v, (2, 3, 4)) ** 2, x)",
    "[both(F.adaptive_max_pool2d(ties, n, True)) for n in (1, 2, (1, 3), (3, 2))]",
    "[F.adaptive_max_pool2d(f.transpose(2, 3).flip(2), 3), F.adaptive_max_pool1d(f[0, :, ::2, 1], 2)]",
    "[F.adaptive_max_pool1d(s[None], 0).shape, F.adaptive_max_pool2d(x, (0, 2)).shape, "
    "F.adaptive_max_pool2d(empty, 3).shape]",
    "[refused(F.adaptive_max_pool1d, *a) for a in ((s, None), (i[0, 0], 2), (f[0, 0, 0], 2), (s, (1, 2)), "
    "(ones(1, 2, 0), 1))]",
    "[refused(F.adaptive_max_pool2d, *a) for a in ((x, -1), (x, (2, 3, 4)), (v, 2), (f[0, 0], 2), (ones(1, 0, "
    "3, 3), 1))]",
    "[nn.AdaptiveMaxPool1d(3)(s), nn.AdaptiveMaxPool2d((None, 2))(x), nn.AdaptiveMaxPool3d(1)(v)]",
    "both(nn.AdaptiveMaxPool2d(2, True)(x))",
    "[repr(m) for m in (nn.AdaptiveMaxPool1d(3), nn.AdaptiveMaxPool2d(3, True), nn.AdaptiveMaxPool3d((3, None, 1)))]",
    # fractional
    "[both(F.fractional_max_pool2d(x, k, o, None, True, two)) for k, o in ((2, 3), (2, (1, 4)), ((3, 2), (2, "
    "6)), (1, (5, 7)))]",
    "[both(F.fractional_max_pool3d(v, (1, 2, 3), o, None, True, three)) for o in ((1, 2, 2), (1, 2, 3))]",
    "[both(F.fractional_max_pool2d(f, 2, 3, return_indices=True, "
    "_random_samples=two.float() * w)) for w in (0, 0.5, 1)]",
    "F.fractional_max_pool2d(x, 2, output_ratio=(0.5, 0.7), _random_samples=two)",
    "F.fractional_max_pool3d(v, 1, output_ratio=(0.5, 0.7, 0.3), _random_samples=three)",
    "gradients(F.fractional_max_pool2d(x, 2, (3, 4), _random_samples=two) ** 2, x)",
    "gradients(F.fractional_max_pool3d(v, (1, 2, 2), (1, 3, 4), _random_samples=three) ** 2, x)",
    "[F.fractional_max_pool2d(x[0], 2, 3, _random_samples=two), F.fractional_max_pool2d(x, 2, 3).shape]",
    "[both(F.fractional_max_pool2d(ties, 2, 2, None, True, ones(1, 1, 2) * w)) for w in (0.0, 0.6, 0.9)]",
    "[F.fractional_max_pool2d(empty, 2, 3).shape, F.fractional_max_pool2d(x, 2, 3, 0.5).shape]",
    "[refused(F.fractional_max_pool2d, *a) for a in ((x, 2), (x, 2, 6), (x, 2, 5), (x, 6, 1), (i, 2, 3), (v, 2, 3))]",
    "[refused(F.fractional_max_pool2d, x, 2, 3, _random_samples=r) for r in (two.float(), two[:, :1], three, two[:0])]",
    "[nn.FractionalMaxPool2d(2, 3, _random_samples=two)(x), nn.FractionalMaxPool2d(2, output_ratio=0.5)(x).shape]",
    "nn.FractionalMaxPool3d((1, 2, 2), output_ratio=0.5, _random_samples=three)(v)",
    "[refused(nn.FractionalMaxPool2d, *a) for a in ((2,), (2, 3, 0.5), (2, None, 1.5), (2, None, (0.5, 0.0)))]",
    "[refused(nn.FractionalMaxPool3d, 2, output_ratio=r) for r in ((0.5, 0.5, 1.2), 0.0)]",
    # unpooling
    "[F.max_unpool2d(small, places, 2), F.max_unpool2d(small[0], places[0], 2), F.max_unpool2d(small.float(), "
    "places, 2)]",
    "[F.max_unpool2d(small, places, 2, 2, 0, size).shape for size in ((4, 4), (5, 4), (1, 1, 5, 5), [4, 5], (5, 5))]",
    "[F.max_unpool2d(small, places % 9, 3, 2, 1), F.max_unpool2d(small, places % 9, 2, 1)]",
    "[F.max_unpool1d(s[:, :2], places[0, 0] % 4, 2), F.max_unpool1d(s[None, :, :2], places[:, :, 0] % 6, 3, "
    "output_size=(6,))]",
    "F.max_unpool3d(small[None], places[None], (1, 2, 2))",
    "gradients(F.max_unpool2d(small, places, 2) ** 2, small)",
    "gradients(F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2, output_size=(5, 7)) ** 2, x)",
    "gradients(F.max_unpool1d(*F.max_pool1d(s, 2, return_indices=True), 2) ** 2, x)",
    "gradients(F.max_unpool3d(*F.max_pool3d(v[..., :4, :6], (1, 2, 2), return_indices=True), (1, 2, 2)) ** 2, x)",
    "[F.max_unpool2d(empty[..., :2, :2], torch.zeros(0, 2, 2, 2).long(), 2).shape, F.max_unpool2d(small, "
    "places * 0, 2)]",
    "[refused(F.max_unpool2d, small, p, 2) for p in (places + 1, places - 1, places.int(), places[..., :1], "
    "places[0])]",
    "[refused(F.max_unpool2d, small, places, 2, 2, 0, o) for o in ((6, 6), (2, 4), (4,), (1, 4, 4))]",
    "[refused(F.max_unpool2d, *a) for a in ((small.long(), places, 2), (small[0, 0], places[0, 0], 2))]",
    "[nn.MaxUnpool2d(2)(small, places), nn.MaxUnpool2d(2)(small, places, (5, 5)), nn.MaxUnpool2d(3, 2, "
    "1)(small, places % 9)]",
    "[repr(m) for m in (nn.MaxUnpool1d(3), nn.MaxUnpool2d(2, 2, 1), nn.MaxUnpool3d((1, 2, 3)))]",
    "[nn.MaxUnpool1d(2)(s[:, :2], places[0, 0] % 4), nn.MaxUnpool3d((1, 2, 2))(small[None], places[None])]",
    # powers
    "[F.lp_pool1d(s, p, 2) for p in (1, 2.0, 3.0, inf, -inf, 4)]",
    "[F.lp_pool2d(x, p, k, t, c) for p in (2, inf) for k, t, c in ((2, None, False), ((2, 3), 1, False), (3, "
    "2, True))]",
    "[F.lp_pool3d(v, 2, 2, None, c) for c in (False, True)]",
    "gradients(F.lp_pool1d(s, 2.0, 3, 1) ** 3, x)",
    "gradients(F.lp_pool2d(x, 4.0, 2, ceil_mode=True) ** 2, x)",
    "gradients(F.lp_pool2d(x, inf, 2) ** 2, x)",
    "[F.lp_pool2d(i, 2.0, 2), F.lp_pool2d(f[0], 2, 2), F.lp_pool2d(f * 0, 2, 2), F.lp_pool1d(f[0, 0].T, 1.0, 2)]",
    "[refused(F.lp_pool1d, *a) for a in ((s, 0.0, 2), (s, 2, 9), (s, 2, 2, 0))]",
    "[nn.LPPool1d(2, 3, 2, True)(s), nn.LPPool2d(2, (2, 3))(x), nn.LPPool3d(2, 2, 1)(v)]",
    "[repr(m) for m in (nn.LPPool1d(2, 3, 2, True), nn.LPPool2d(2, 3), nn.LPPool3d(1.5, (1, 2, 3)))]",
    # maximum and average pooling
    "[both(F.max_pool2d(x, k, t, p, d, c, True)) for k, t, p, d, c in ((2, None, 0, 1, False), (3, 2, 1, 1, True), "
    "((2, 3), (1, 2), (1, 0), (2, 1), False), (3, 2, 1, 2, True))]",
    "[both(F.max_pool1d(s, k, t, p, d, c, True)) for k, t, p, d, c in ((2, None, 0, 1, True), (3, 2, 1, 1, False))]",
    "[both(F.max_pool3d(v, 2, t, p, 1, c, True)) for t, p, c in ((None, 0, True), (1, 1, False))]",
    "both(F.max_pool2d(ties, 2, 1, return_indices=True))",
    "[F.avg_pool2d(x, k, t, p, c, n, d) for k, t, p, c in ((3, 2, 1, True), ((2, 3), None, (1, 0), False), "
    "(2, 3, 0, True)) "
    "for n in (True, False) for d in (None, 3)]",
    "[F.avg_pool1d(s, k, t, p, c, n) for k, t, p, c in ((3, 2, 1, True), (2, 3, 0, True)) for n in (True, False)]",
    "[F.avg_pool3d(v, 2, 1, 1, c, n, d) for c in (True, False) for n in (True, False) for d in (None, 5)]",
    "[F.avg_pool2d(x, 2, divisor_override=-3), refused(F.avg_pool2d, x, 2, divisor_override=0)]",
    "gradients(F.avg_pool2d(x, 2, divisor_override=-3) ** 2, x)",
    "[nn.AvgPool2d(2, divisor_override=-3)(x), nn.AvgPool3d(2, 2, 1, True, False, 3)(v)]",
    "[refused(F.max_pool2d, x, *a) for a in ((2, 0), (2, 1, 2), (9,), (2, -1), ((1, 2, 3),))]",
    "[F.max_pool2d(x, 2, [])]",
    "F.max_pool2d_with_indices(x, 2, 1, 1), F.max_pool1d_with_indices(s, 3), F.max_pool3d_with_indices(v, (1, 2, 2))",
    "F.max_pool2d_with_indices(x, 3, None, 1, 2, True), F.adaptive_max_pool1d_with_indices(s, 2)",
    "F.adaptive_max_pool2d_with_indices(x, (2, None)), F.adaptive_max_pool3d_with_indices(v, 1)",
    "F.fractional_max_pool2d_with_indices(f, 2, 3, _random_samples=two.float())",
    "F.fractional_max_pool3d_with_indices(v.detach(), 1, output_ratio=0.5, _random_samples=three)",
)
