"""Tables of vectors, bilinear products, shuffles, older names, initialisers."""

__all__ = ["CALLS", "START"]

START = """
inf = float("inf")
w = (torch.arange(12.0, dtype=torch.float64) - 2).reshape(4, 3).requires_grad_()
i, twice = torch.tensor([[0, 2], [2, 3]]), torch.tensor([2, 2, 1, 2, -1, 0][:4])
a = torch.tensor([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]], dtype=torch.float64, requires_grad=True)
c = torch.tensor([[2.0, 1.0], [-1.0, 0.5]], dtype=torch.float64, requires_grad=True)
t = (torch.arange(24.0, dtype=torch.float64) * 7 % 5 - 2).reshape(4, 3, 2).requires_grad_()
d = torch.tensor([1.0, -1.0, 0.5, 2.0], dtype=torch.float64, requires_grad=True)
x = torch.arange(48.0).reshape(2, 6, 2, 2)
init = nn.init

def limited(*arguments, **options):
    table = w.detach().clone()
    return F.embedding(i, table, *arguments, **options), table

def ones(*shape):
    return torch.ones(shape)

def empty(*shape):
    return torch.full(shape, 9.0)
"""

OLD = ("uniform", "normal", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "orthogonal")

CALLS = (
    # embedding
    "[limited(None, m, p) for m in (3.0, 0.5, 100.0) for p in (2.0, 1.0, 3.0, inf)]",
    "[limited(0, 3.0), limited(None, 0.0), limited(2, max_norm=1.0, scale_grad_by_freq=True)]",
    "torch.autograd.grad((F.embedding(i, w, None, None, 2.0, True) ** 2).sum(), w)",
    "torch.autograd.grad((F.embedding(twice, w, 1, scale_grad_by_freq=True) ** 2).sum(), w)",
    "gradients(F.embedding(twice, w, 1) ** 2, w)",
    "[F.embedding(twice, w, scale_grad_by_freq=True), F.embedding(i.int(), w), F.embedding(torch.tensor(1), w, -1)]",
    "[F.embedding(i[:0], w, scale_grad_by_freq=True), F.embedding(i.T.flip(0), w)]",
    "[refused(F.embedding, *v) for v in ((i + 2, w), (i, w, 4), (i, w, -5), (i.float(), w), (i, w[0]), (i - 1, w))]",
    "[repr(nn.Embedding(4, 3, max_norm=1.0)), repr(nn.Embedding(4, 3, -1, 1.0, 3.0, True))]",
    "[nn.Embedding(4, 3, _weight=w.detach()).weight, nn.Embedding(4, 3, _weight=w.detach(), _freeze=True)(i)]",
    "nn.Embedding(4, 3, 1, 2.0, 1.0, True, False, w.detach().clone())(i)",
    "[e.weight for e in (nn.Embedding.from_pretrained(w.detach()), nn.Embedding.from_pretrained(w.detach(), "
    "False, 1))]",
    "nn.Embedding.from_pretrained(w.detach().clone(), freeze=False, max_norm=2.0)(i)",
    "[repr(nn.Embedding.from_pretrained(w.detach(), padding_idx=2)), refused(nn.Embedding.from_pretrained, w[0])]",
    "[[nn.Embedding.from_pretrained(v).weight.zero_(), v][1] for v in [w.detach().clone()]]",
    "[refused(nn.Embedding, 4, 2, _weight=w.detach()), refused(nn.Embedding, 4, 2, 4), refused(nn.Embedding, "
    "4, 2, -5)]",
    # bilinear
    "[F.bilinear(a, c, t), F.bilinear(a, c, t, d), torch.bilinear(a[0], c[0], t), F.bilinear(a[None], "
    "c[None], t, bias=d)]",
    "gradients(F.bilinear(a, c, t, d) ** 2, a, c, t, d)",
    "[F.bilinear(a[:0], c[:0], t), F.bilinear(a.flip(1), c.T, t.transpose(1, 2).transpose(1, 2))]",
    "[refused(F.bilinear, *v) for v in ((a, c[:1], t), (a, a, t), (a, c, t, d[:3]), (a, c, t[0]), (a, c[0], t))]",
    "refused(F.bilinear, a.float(), c, t)",
    "[repr(nn.Bilinear(3, 4, 5)), repr(nn.Bilinear(3, 4, 5, False)), refused(nn.Bilinear, 0, 4, 5)]",
    "[[m.weight.shape, m.bias.shape, list(m.state_dict()), m.bias.dtype == torch.float64] "
    "for m in [nn.Bilinear(3, 4, 5, dtype=torch.float64)]]",
    "[bool((m.weight.abs() <= 0.5).all() and m.weight.abs().max() > 0.4) for m in [nn.Bilinear(4, 9, 9)]]",
    # channels and sizes
    "[F.channel_shuffle(x, n) for n in (1, 2, 3, 6)]",
    "[F.channel_shuffle(x[..., 0].long(), 3), torch.channel_shuffle(x.reshape(1, 12, 4, 1, 1), 4), "
    "nn.ChannelShuffle(2)(x)]",
    "gradients(F.channel_shuffle(t.reshape(1, 6, 4), 2) ** 3, t)",
    "[F.channel_shuffle(x[:0], 2).shape, repr(nn.ChannelShuffle(2))]",
    "[refused(F.channel_shuffle, x, n) for n in (4, 0, -2)] + [refused(F.channel_shuffle, x[0, :, 0], 3)]",
    "[F.pixel_unshuffle(x, 2), F.pixel_unshuffle(x[0], 1), refused(F.pixel_unshuffle, x, 3), "
    "repr(nn.PixelUnshuffle(2))]",
    "[nn.UpsamplingNearest2d(3)(x), nn.UpsamplingBilinear2d((3, 5))(x), nn.UpsamplingBilinear2d(scale_factor=2)(x)]",
    "[repr(m) for m in (nn.UpsamplingNearest2d(2), nn.UpsamplingNearest2d(scale_factor=2), "
    "nn.UpsamplingBilinear2d((1, 2)))]",
    "[F.upsample(x, 3), F.upsample(x, None, 2, 'bilinear', True), F.upsample_nearest(x, 3), F.upsample_bilinear(x, 3)]",
    "[isinstance(nn.UpsamplingNearest2d(2), nn.Upsample), nn.Unflatten(1, (2, -1))(x).shape, nn.Identity(1, a=2)(x)]",
    "[refused(nn.Unflatten, 1, 6), refused(nn.Unflatten, 1, (2, 3.0)), repr(nn.Unflatten(1, (2, 3)))]",
    # initialisers
    "[init.eye_(empty(2, 3)), init.eye_(empty(3, 2).long()), init.eye(empty(2, 2))]",
    "[init.dirac_(empty(*s)) for s in ((2, 3, 3), (3, 2, 2), (2, 2, 3, 4), (1, 2, 1, 2, 3))]",
    "[init.dirac_(empty(4, 2, 3), 2), init.dirac_(empty(4, 3, 1, 1), groups=4), init.dirac(empty(2, 2, 3))]",
    "[(init.sparse_(empty(10, 3), p) == 0).sum(0) for p in (0.0, 0.25, 0.31, 1.0)]",
    "[(init.sparse(empty(10, 3), 0.5) == 0).sum(0), bool(init.sparse_(empty(99, 9), 0.1, 0.5).abs().max() > 0.6)]",
    "[init.constant(empty(2), 5.0), init.uniform(empty(2), 3.0, 3.0), init.normal(empty(2), 4.0, 0.0)]",
    f"[f(empty(4, 3)).shape for f in ({', '.join('init.' + name for name in OLD)})]",
    "[init.calculate_gain(n) for n in ('linear', 'conv1d', 'conv_transpose3d', 'sigmoid', 'tanh', 'relu', 'selu')]",
    "[init.calculate_gain('leaky_relu', p) for p in (None, 0.2, 1)]",
    "[refused(init.calculate_gain, *v) for v in (('linearx',), ('conv5d',), ('gelu',), ('leaky_relu', True), "
    "('leaky_relu', 'a'))]",
    "[refused(f, empty(*s)) for f, s in ((init.eye_, (2, 3, 4)), (init.eye_, (3,)), (init.dirac_, (2, 2)), "
    "(init.dirac_, (2, 2, 0)))]",
    "[refused(init.dirac_, empty(3, 2, 3), 2), refused(init.dirac_, empty(2, 2, 3), 0), refused(init.sparse_, "
    "empty(2, 2, 2), 0.1)]",
    "[refused(init.uniform_, empty(3), 2.0, 1.0), refused(init.normal_, empty(3), 0.0, -1.0), "
    "refused(init.orthogonal_, empty(3))]",
    "[refused(init.uniform_, empty(3).long()), refused(init.normal_, empty(3).long())]",
    "[init.trunc_normal_(empty(50), m, s, a, b).clamp(a, b).shape for m, s, a, b in ((0, 1, 5, 6), (9, 1, -2, "
    "2), (0, 1, -1e-3, 1e-3))]",
    "[init.xavier_normal_(empty(0, 3)).shape, init.orthogonal_(empty(0, 3)).shape, "
    "init.constant_(empty(2).long(), 2.5)]",
)
