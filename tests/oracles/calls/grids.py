"""grid_sample, affine_grid and interpolate: all modes, ends of the image, NaN, empty batches, wrong arguments."""

__all__ = ["CALLS", "START"]

START = """
def new(shape, seed=0.0, dtype=None):
    n = 1
    for s in shape:
        n *= s
    values = [((7 * i + 3) * (i + 5) % 23) / 8 - 1.5 + seed for i in range(n)]
    return torch.tensor(values, dtype=dtype or torch.float64).reshape(shape).requires_grad_()

def first(y, *inputs):
    weights = torch.arange(y.numel(), dtype=y.dtype).reshape(y.shape) * 0.25 - 1
    return torch.autograd.grad((y * weights).sum(), inputs)

image, volume = new((2, 2, 3, 4)), new((1, 2, 3, 2, 4))
points, places = new((2, 2, 3, 2), 0.03), new((1, 2, 1, 3, 3), 0.03)
ends = torch.tensor([-3.0, -2.0, -1.0, -0.75, -0.5, 0.0, 0.25, 0.5, 1.0, 2.0, 2.5], dtype=torch.float64)
ends = torch.stack([ends, ends.flip(0)], -1).reshape(1, 1, -1, 2)
nan = float("nan")
holes = torch.tensor([[[[nan, 0.0], [0.25, nan], [nan, nan], [float("inf"), 0.0]]]], dtype=torch.float64)
theta, theta3 = new((2, 2, 3)), new((2, 3, 4))
signal = new((1, 2, 5))
bytes_ = torch.tensor([[[[1, 2, 3], [4, 5, 250]]]], dtype=torch.uint8)

def sampled(x, grid, *args, **kwargs):
    y = F.grid_sample(x, grid, *args, **kwargs)
    return y, first(y, x, grid)

def resized(x, **kwargs):
    y = F.interpolate(x, **kwargs)
    return y, first(y, x)
"""

_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")
_EACH = [(m, p, a) for m in _MODES for p in _PADDINGS for a in (True, False)]

CALLS = [
    *(f"sampled(image, points, {m!r}, {p!r}, {a})" for m, p, a in _EACH),
    *(f"sampled(volume, places, {m!r}, {p!r}, {a})" for m, p, a in _EACH if m != "bicubic"),
    *(f"F.grid_sample(image[:1], ends, {m!r}, {p!r}, {a})" for m, p, a in _EACH),
    *(f"torch.isnan(F.grid_sample(image[:1], holes, {m!r}, {p!r}, {a}))" for m, p, a in _EACH),
    *(
        f"F.grid_sample(image[:1], holes, {m!r}, {p!r}, True)"
        for m, p in (("nearest", "zeros"), ("bilinear", "border"))
    ),
    "first(F.grid_sample(image[:1], ends.clone().requires_grad_(), padding_mode='border', align_corners=True), image)",
    "F.grid_sample(image, points)",
    "F.grid_sample(input=image, grid=points, mode='bilinear', padding_mode='zeros', align_corners=None)",
    "F.grid_sample(image.float(), points.float(), align_corners=False)",
    "F.grid_sample(image[:0], points[:0], align_corners=False)",
    "F.grid_sample(image[:, :0], points, align_corners=False)",
    "F.grid_sample(image, points[:, :0], align_corners=False)",
    "F.grid_sample(image.flip(3)[:, :, ::2], points.flip(1), align_corners=False)",
    "F.grid_sample(image, points.float(), align_corners=False)",
    "F.grid_sample(image, points[:1], align_corners=False)",
    "F.grid_sample(image, places, align_corners=False)",
    "F.grid_sample(image[..., :0], points, align_corners=False)",
    "F.grid_sample(volume, places, 'bicubic', align_corners=False)",
    "F.grid_sample(image, points, 'linear', align_corners=False)",
    "F.grid_sample(image, points, padding_mode='reflect', align_corners=False)",
    "F.grid_sample(image.long(), points.long(), align_corners=False)",
    *(f"F.affine_grid(theta, (2, 1, {h}, {w}), {a})" for h, w in ((2, 3), (1, 4), (1, 1)) for a in (True, False, None)),
    *(f"F.affine_grid(theta3, (2, 1, 2, 1, 3), align_corners={a})" for a in (True, False)),
    "first(F.affine_grid(theta, [2, 1, 2, 3], False).square(), theta)",
    "first(F.affine_grid(theta3, [2, 1, 2, 3, 1], True).square(), theta3)",
    "F.affine_grid(theta.float(), torch.Size((2, 5, 2, 2)), False)",
    "F.affine_grid(theta, (1, 1, 2, 2), False)",
    "F.affine_grid(theta, (2, 1, 2, 2, 2), False)",
    "F.affine_grid(theta, (2, 1, 2), False)",
    "F.affine_grid(theta, (2, 1, 0, 2), False)",
    "F.affine_grid(theta.long(), (2, 1, 2, 2), False)",
    *(f"resized(image, size=(2, 5), mode={m!r})" for m in ("nearest", "nearest-exact", "area", "bilinear", "bicubic")),
    *(f"resized(image, scale_factor=1.7, mode={m!r})" for m in ("nearest-exact", "area", "bilinear", "bicubic")),
    *(f"resized(signal, scale_factor={s}, mode='nearest-exact')" for s in (0.5, 0.3, 1.1, 2, 2.6)),
    *(f"resized(volume, size=(2, 3, 3), mode={m!r})" for m in ("nearest-exact", "area", "trilinear")),
    *(
        f"resized(image, size={size}, mode={m!r}, align_corners={a}, antialias=True)"
        for m in ("bilinear", "bicubic")
        for size in ((2, 2), (2, 7), (3, 3), (3, 4), (7, 9))
        for a in (True, False)
    ),
    *(f"resized(image, size={size}, mode='lanczos', antialias=True)" for size in ((2, 2), (7, 3))),
    "resized(image, scale_factor=(0.7, 0.6), mode='bicubic', antialias=True)",
    "resized(image, scale_factor=(0.7, 0.6), mode='bicubic', antialias=True, recompute_scale_factor=True)",
    "resized(signal, scale_factor=0.7, mode='area')",
    "F.interpolate(bytes_, size=5, mode='nearest-exact')",
    "F.interpolate(image, 5, None, 'nearest')",
    "F.interpolate(image, size=5, mode='area', align_corners=False)",
    "F.interpolate(image, size=5, mode='nearest-exact', align_corners=True)",
    "F.interpolate(image, size=5, mode='nearest', antialias=True)",
    "F.interpolate(signal, size=5, mode='linear', antialias=True)",
    "F.interpolate(image, size=5, mode='lanczos')",
    "F.interpolate(image, size=5, mode='lanczos', antialias=True, align_corners=True)",
    "F.interpolate(image, size=5, mode='area', recompute_scale_factor=True)",
    "F.interpolate(image, size=5, recompute_scale_factor=False)",
    "F.interpolate(image, mode='area')",
    "F.interpolate(image, size=(5,), mode='area')",
    "F.interpolate(signal, size=5, mode='bilinear')",
    "F.upsample(image, scale_factor=2, mode='bilinear', align_corners=True)",
    "F.upsample_nearest(image, 5)",
    "F.upsample_bilinear(image, scale_factor=2)",
    "nn.UpsamplingNearest2d(scale_factor=2)(image), str(nn.UpsamplingNearest2d(scale_factor=2))",
    "nn.UpsamplingBilinear2d((5, 6))(image), str(nn.UpsamplingBilinear2d((5, 6)))",
    "nn.Upsample(scale_factor=(2, 3), mode='area')(image), str(nn.Upsample(scale_factor=(2, 3), mode='area'))",
    "nn.Upsample(None, 1.5, 'bicubic', True, True)(image)",
    "nn.Upsample(size=7, mode='nearest-exact')(signal)",
]
