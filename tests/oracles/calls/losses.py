"""Losses and distances: values, gradients to second order, broadcasting, ties, element types, refused calls."""

__all__ = ["CALLS", "START"]

START = """
inf, nan = float("inf"), float("nan")

def leaf(data, dtype=torch.float64):
    return torch.tensor(data, dtype=dtype, requires_grad=True)

x = leaf([[0.5, 1.25, -2.0, 0.75], [-0.25, 3.0, 0.125, -1.0], [2.0, -0.5, 1.5, 0.25]])
y = leaf([[0.25, 0.75, 0.1, 1.5], [1.0, 0.2, 2.0, 0.6], [1.25, 3.5, 0.3, 0.05]])
z = leaf([[1.0, -0.75, 2.0, 0.5], [0.3, -1.0, 0.7, 2.5], [-0.6, 0.4, -1.5, 1.1]])
i, j = torch.tensor([[1, 2, -2], [0, 3, 1]]), torch.tensor([[0, 1, 2], [1, -3, 4]])
s = torch.tensor([[1.0, -1.0, 1.0, 1.0], [-1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0]], dtype=torch.float64)
c, w = torch.tensor([0, 3, 1]), torch.tensor([0.5, 2.0, 1.0, 0.25], dtype=torch.float64)
few, labels = torch.tensor([2, -1, 0, 1]), torch.tensor([[2, 0, -1, 1], [-1, 0, 1, 2], [3, 3, 0, 1]])
one, sign = torch.tensor(1), torch.tensor([1, -1, 1])
empty, f = torch.zeros(0, 4), x.detach().float()

lw = leaf([[0.5, 1.0, -1.0, 0.25], [-0.5, 0.75, 2.0, 1.5], [1.0, -1.25, 0.3, 0.8]])
wide = torch.arange(24.0, dtype=torch.float64).sub(11).div(8).reshape(3, 2, 4).requires_grad_()
several = torch.tensor([[0, 2], [1, 1], [2, -100]])
chances = torch.tensor([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.1, 0.8, 0.1]], dtype=torch.float64)

def filled(module):
    module = module.double()
    for k, p in enumerate(module.parameters()):
        p.data = torch.arange(p.numel(), dtype=torch.float64).sub(4 + k).div(7).reshape(p.shape)
    return module

def grads(function, *tensors, **options):
    loss = function(*tensors, **options)
    return loss, gradients(loss**2, *[t for t in tensors if getattr(t, "requires_grad", False)])
"""

CALLS = (
    # likelihoods
    "[F.kl_div(x, y, reduction=r) for r in ('none', 'mean', 'sum', 'batchmean')]",
    "[F.kl_div(x, z, reduction=r, log_target=True) for r in ('none', 'mean', 'sum', 'batchmean')]",
    "grads(F.kl_div, x, y, reduction='none')",
    "grads(F.kl_div, x, y, reduction='batchmean')",
    "grads(F.kl_div, x, z, reduction='none', log_target=True)",
    "grads(F.kl_div, x, y[:1], reduction='sum')",
    "[F.kl_div(x, y[:, :1], reduction=r) for r in ('none', 'mean', 'sum', 'batchmean')]",
    "[F.kl_div(x, y, False), F.kl_div(x, y, None, False), F.kl_div(x, y, True, True, 'sum')]",
    "[F.kl_div(f, y).dtype == torch.float64, F.kl_div(x[0, 0], y[0, 0], reduction='batchmean')]",
    "F.kl_div(x, torch.tensor([nan, 0.0, -1.0, 2.0]), reduction='none')",
    "F.kl_div(empty, empty, reduction='batchmean')",
    "[F.kl_div(empty, empty, reduction=r) for r in ('none', 'mean', 'sum')]",
    "[refused(F.kl_div, i, f), refused(F.kl_div, f, c), refused(F.kl_div, x, y, reduction='foo')]",
    "refused(F.kl_div, x, y[:, :2])",
    "[nn.KLDivLoss(reduction='batchmean')(x, y), nn.KLDivLoss(None, False, log_target=True)(x, z)]",
    "[F.poisson_nll_loss(x, y, reduction=r) for r in ('none', 'mean', 'sum')]",
    "[F.poisson_nll_loss(x, y, False, reduction=r) for r in ('none', 'sum')]",
    "[F.poisson_nll_loss(x, y * 3, l, True, reduction='none') for l in (True, False)]",
    "grads(F.poisson_nll_loss, x, y)",
    "grads(F.poisson_nll_loss, y, z, log_input=False, eps=0.1, reduction='sum')",
    "grads(F.poisson_nll_loss, y, z.detach(), full=True, reduction='none')",
    "[F.poisson_nll_loss(x, y[0]), F.poisson_nll_loss(f[:2, :3], i), F.poisson_nll_loss(i, f[:2, :3])]",
    "[F.poisson_nll_loss(x, y, True, False, False), F.poisson_nll_loss(x, y, True, False, None, 1e-3, False)]",
    "F.poisson_nll_loss(x, torch.tensor([0.0, 1.0, -1.0, 1.0001]), True, True, reduction='none')",
    "[F.poisson_nll_loss(empty, empty, reduction=r) for r in ('none', 'mean', 'sum')]",
    "[nn.PoissonNLLLoss()(x, y), nn.PoissonNLLLoss(False, True, None, 1e-3, None, 'sum')(y, y * 2)]",
    "[refused(F.poisson_nll_loss, x, y, reduction='foo'), refused(F.poisson_nll_loss, x, y[:, :2])]",
    "[F.gaussian_nll_loss(x, y, y, reduction=r) for r in ('none', 'mean', 'sum')]",
    "[F.gaussian_nll_loss(x, y, y, True), F.gaussian_nll_loss(x, y, y, eps=0.5), F.gaussian_nll_loss(x, y, 2.0)]",
    "grads(F.gaussian_nll_loss, x, z, y)",
    "grads(F.gaussian_nll_loss, x, z, y, full=True, eps=0.5, reduction='none')",
    "[F.gaussian_nll_loss(x, z, v) for v in (y[:, 0], y[:, :1])]",
    "grads(F.gaussian_nll_loss, x, z, y[:, :1])",
    "[F.gaussian_nll_loss(x, z[0], y), F.gaussian_nll_loss(x, y, y * 0), F.gaussian_nll_loss(x, y, y * 0, eps=2.0)]",
    "F.gaussian_nll_loss(i, j, torch.ones(2, 3))",
    "[F.gaussian_nll_loss(torch.ones(2, 2), torch.ones(2, 2) * 3, torch.tensor([1.0, 2.0]), reduction='none')]",
    "[refused(F.gaussian_nll_loss, x, y, v) for v in (y[0], -y, -2.0, y[:1], y[0, 0], torch.ones(1))]",
    "[refused(F.gaussian_nll_loss, x, y, y, reduction='foo'), nn.GaussianNLLLoss(full=True, eps=0.5)(x, z, y)]",
    # regression: other shapes broadcast
    *(
        f"[F.{name}(x, t{extra}) for t in (y[0], y[:1], y[:, :1], y[0, 0])]"
        for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
        for extra in ("", ", reduction='none'", ", reduction='sum'")
    ),
    *(f"grads(F.{name}, x[:, 3:], y[0])" for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")),
    *(
        f"[F.{name}(f, c[0]), F.{name}(f, y), F.{name}(x, f), F.{name}(f[:2, :3], i), refused(F.{name}, i, f[:2, :3])]"
        for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
    ),
    "[refused(f, i, j) for f in (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss)]",
    "[refused(f, x, y[:, :2]) for f in (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss)]",
    "[refused(F.mse_loss, x, y, weight=v) for v in (w, y[:1], y)]",
    "F.mse_loss(x, y[0], weight=s.abs() * 2)",
    "[refused(F.binary_cross_entropy, f.sigmoid(), f[0]), refused(F.binary_cross_entropy_with_logits, f, f[0])]",
    # margins of elements
    "[F.margin_ranking_loss(x, y, s, reduction=r) for r in ('none', 'mean', 'sum')]",
    "grads(F.margin_ranking_loss, x, y, s, margin=0.5)",
    "grads(F.margin_ranking_loss, x[:, :1], y[:1], s, reduction='none')",
    "torch.autograd.grad(F.margin_ranking_loss(x, x.detach(), s), x)[0].tolist()",
    "[F.margin_ranking_loss(x, y, s[:, :1], 0.25), F.margin_ranking_loss(f, f * 2, s.long(), 0.5)]",
    "[F.margin_ranking_loss(i, j, j.sign()), F.margin_ranking_loss(x, y, s, 0.0, False)]",
    "[refused(F.margin_ranking_loss, x, y, v) for v in (s[0], one, s[:, :2])]",
    "[refused(F.margin_ranking_loss, x, y[0], s), F.margin_ranking_loss(x[0, 0], y[0, 0], one)]",
    "[nn.MarginRankingLoss(0.5)(x, y, s), nn.MarginRankingLoss(0.5, None, False)(x, y, s)]",
    "[F.hinge_embedding_loss(y, s, reduction=r) for r in ('none', 'mean', 'sum')]",
    "grads(F.hinge_embedding_loss, y, s, margin=1.25)",
    "grads(F.hinge_embedding_loss, x, s[0], reduction='sum')",
    "torch.autograd.grad(F.hinge_embedding_loss(torch.ones_like(x) + x - x.detach(), s), x)[0].tolist()",
    "F.hinge_embedding_loss(x, torch.tensor([0, 2, -1, 1]), 2.0, reduction='none')",
    "[nn.HingeEmbeddingLoss()(x, s), nn.HingeEmbeddingLoss(2.0, False)(x, s), refused(F.hinge_embedding_loss, i, j)]",
    "[F.soft_margin_loss(x, s, reduction=r) for r in ('none', 'mean', 'sum')]",
    "grads(F.soft_margin_loss, x, s)",
    "grads(F.soft_margin_loss, x, z.detach(), reduction='none')",
    "[F.soft_margin_loss(x, s[0]), F.soft_margin_loss(f, s.long()), nn.SoftMarginLoss(False)(x, s)]",
    "[refused(F.soft_margin_loss, i, j), refused(F.soft_margin_loss, x, s, reduction='foo')]",
    # margins of classes
    "[F.multi_margin_loss(x, c, reduction=r) for r in ('none', 'mean', 'sum')]",
    "[F.multi_margin_loss(x, c, p, m, w) for p in (1, 2) for m in (0.5, 1.0)]",
    "[torch.autograd.grad((F.multi_margin_loss(x, c, p, weight=v, reduction='none') ** 2).sum(), x) "
    "for p in (1, 2) for v in (None, w)]",
    "[torch.autograd.grad(F.multi_margin_loss(t, torch.tensor([0]), p), t) "
    "for t in [leaf([[1.5, 0.5, 1.0]])] for p in (1, 2)]",
    "[F.multi_margin_loss(x[0], torch.tensor(1), reduction=r) for r in ('none', 'mean', 'sum')]",
    "[F.multi_margin_loss(x[0], torch.tensor([1]), reduction=r) for r in ('none', 'mean', 'sum')]",
    "[F.multi_margin_loss(x[0, 0], torch.tensor(0)), F.multi_margin_loss(f, c), "
    "F.multi_margin_loss(f.T.flip(0), few.abs())]",
    "[refused(F.multi_margin_loss, x, v) for v in (c + 1, c - 1, c.int(), c.float(), c[:2], one)]",
    "[refused(F.multi_margin_loss, x, c, weight=v) for v in (w[:3], w.float())]",
    "[refused(F.multi_margin_loss, x, c, 3), refused(F.multi_margin_loss, x[None], c), "
    "refused(F.multi_margin_loss, i, c)]",
    "[refused(F.multi_margin_loss, torch.ones(2, 0), c[:2]), refused(nn.MultiMarginLoss, 3)]",
    "[nn.MultiMarginLoss(2, 0.5, w)(x, c), nn.MultiMarginLoss(reduction='none')(x, c), nn.MultiMarginLoss(1, "
    "1.0, None, False)(x, c)]",
    "list(nn.MultiMarginLoss(weight=w).state_dict())",
    "[F.multilabel_margin_loss(x, labels, reduction=r) for r in ('none', 'mean', 'sum')]",
    "torch.autograd.grad((F.multilabel_margin_loss(x, labels, reduction='none') ** 2).sum(), x)",
    "torch.autograd.grad(F.multilabel_margin_loss(x * 0, labels), x)",
    "[F.multilabel_margin_loss(x[0], few, reduction=r) for r in ('none', 'mean', 'sum')]",
    "[F.multilabel_margin_loss(f, labels), F.multilabel_margin_loss(x[0, 0], torch.tensor(0)), "
    "nn.MultiLabelMarginLoss()(x, labels)]",
    "[F.multilabel_margin_loss(x, labels, False), nn.MultiLabelMarginLoss(None, False)(x, labels)]",
    "[refused(F.multilabel_margin_loss, x, v) for v in (labels + 1, labels - 1, labels.int(), labels[0], "
    "labels.float())]",
    "[refused(F.multilabel_margin_loss, x[None], labels[None]), refused(F.multilabel_margin_loss, "
    "torch.ones(2, 0), i[:, :0])]",
    "[F.multilabel_soft_margin_loss(x, y, reduction=r) for r in ('none', 'mean', 'sum')]",
    "grads(F.multilabel_soft_margin_loss, x, y)",
    "grads(F.multilabel_soft_margin_loss, x, y, weight=w, reduction='none')",
    "[F.multilabel_soft_margin_loss(x, y[0]), F.multilabel_soft_margin_loss(f, labels), "
    "F.multilabel_soft_margin_loss(x, y, w, False)]",
    "[F.multilabel_soft_margin_loss(x, y, y[:, :1], reduction='none'), F.multilabel_soft_margin_loss(x[None], "
    "y[None], reduction='none')]",
    "[F.multilabel_soft_margin_loss(empty, empty, reduction=r) for r in ('none', 'mean', 'sum')]",
    "[nn.MultiLabelSoftMarginLoss(w)(x, y), nn.MultiLabelSoftMarginLoss(None, False)(x, y)]",
    "[refused(F.multilabel_soft_margin_loss, x[0, 0], y[0, 0]), refused(F.multilabel_soft_margin_loss, x, y[:, :2])]",
    # distances and angles
    "[F.cosine_embedding_loss(x, y, sign, reduction=r) for r in ('none', 'mean', 'sum')]",
    "grads(F.cosine_embedding_loss, x, y, sign, margin=0.1)",
    "grads(F.cosine_embedding_loss, x, y, sign, reduction='none')",
    "[F.cosine_embedding_loss(x, y[:1], sign), F.cosine_embedding_loss(x[0], y[0], one), "
    "F.cosine_embedding_loss(x, y, sign[:1])]",
    "[F.cosine_embedding_loss(x, y, sign.float() * 2), F.cosine_embedding_loss(i, j, sign[:2]), "
    "F.cosine_embedding_loss(f * 0, f, sign)]",
    "[refused(F.cosine_embedding_loss, *v) for v in ((x, y, one), (x[0], y[0], sign), (x, y[0], sign), "
    "(x[None], y[None], one))]",
    "[nn.CosineEmbeddingLoss(0.1)(x, y, sign), nn.CosineEmbeddingLoss(0.1, False)(x, y, sign)]",
    "[F.triplet_margin_loss(x, y, z, reduction=r, swap=b) for r in ('none', 'mean', 'sum') for b in (False, True)]",
    "grads(F.triplet_margin_loss, x, y, z, margin=2.0)",
    "grads(F.triplet_margin_loss, x, y, z, p=3.0, margin=4.0, swap=True, reduction='none')",
    "[F.triplet_margin_loss(x, y, z, 2.0, p, 0.1) for p in (1.0, inf, 0.5)]",
    "[F.triplet_margin_loss(x, y[:1], z), F.triplet_margin_loss(x[0], y[0], z[0]), F.triplet_margin_loss(i, j, j * 2)]",
    "[F.triplet_margin_loss(x[None], y[None], z[None], reduction='none'), F.triplet_margin_loss(x, y, z, 1.0, "
    "2.0, 1e-6, False, False)]",
    "[refused(F.triplet_margin_loss, x, y[0], z), refused(F.triplet_margin_loss, x, y, z, 0.0)]",
    "[refused(nn.TripletMarginLoss, -1.0), nn.TripletMarginLoss(2.0, 1, 0.1, True)(x, y, z)]",
    "[F.triplet_margin_with_distance_loss(x, y, z, reduction=r, swap=b) for r in ('none', "
    "'mean') for b in (False, True)]",
    "grads(F.triplet_margin_with_distance_loss, x, y, z, distance_function=lambda a, "
    "b: (a - b).square().sum(-1), margin=9.0)",
    "[refused(F.triplet_margin_with_distance_loss, x, y[0], z), refused(F.triplet_margin_with_distance_loss, "
    "x, y, z, margin=0.0)]",
    "nn.TripletMarginWithDistanceLoss(distance_function=lambda a, b: (a - b).abs(), swap=True, "
    "reduction='none')(x, y, z)",
    "refused(nn.TripletMarginWithDistanceLoss, margin=-1.0)",
    "[F.pairwise_distance(x, y, p) for p in (0.0, 0.5, 1.0, 2.0, 3.0, -1.0, inf, -inf)]",
    *(f"grads(F.pairwise_distance, x, y, p={p})" for p in ("0.5", "1.0", "2.0", "3.0", "inf")),
    "grads(F.pairwise_distance, x, y[0], p=2.5, keepdim=True)",
    "[torch.autograd.grad(F.pairwise_distance(x, x.detach(), p, 0.0).sum(), x) for p in (0.5, 1.0, 2.0, 3.0, inf)]",
    "[F.pairwise_distance(x[0], y[0]), F.pairwise_distance(x[0, 0], y[0, 0]), F.pairwise_distance(i, j), "
    "F.pairwise_distance(f, y)]",
    "[F.pairwise_distance(empty.T, empty.T), F.pairwise_distance(empty, empty), refused(F.pairwise_distance, "
    "x, y[:, :2])]",
    "refused(F.pairwise_distance, empty.T, empty.T, inf)",
    "[nn.PairwiseDistance(1.0, 0.0, True)(x, y), torch.pairwise_distance(x, y, 3.0, 0.1)]",
    "[F.cosine_similarity(x, y), F.cosine_similarity(x, y, 0), F.cosine_similarity(x, y, -1, 2.0)]",
    "grads(F.cosine_similarity, x, y)",
    "grads(F.cosine_similarity, x, y[:, :1])",
    "grads(F.cosine_similarity, x, y[:1], dim=0)",
    "grads(F.cosine_similarity, x, y[0], dim=-1)",
    "grads(F.cosine_similarity, x, y, eps=2.0)",
    "grads(F.cosine_similarity, x * 1e-9, y)",
    "[F.cosine_similarity(x[None], y[:, None], -1), F.cosine_similarity(x[:, :, None], y[:, None], 2)]",
    "[torch.autograd.grad(F.cosine_similarity(x * 0, y).sum(), x), F.cosine_similarity(f * 1e30, f * 1e30)]",
    "[F.cosine_similarity(x[0, 0], y[0, 0], 0), F.cosine_similarity(empty, empty), "
    "F.cosine_similarity(empty.T, empty.T)]",
    "[F.cosine_similarity(i, f[:2, :3]), F.cosine_similarity(f, y), F.cosine_similarity(torch.tensor([nan, "
    "1.0]), f[0, :2], 0)]",
    "[refused(F.cosine_similarity, *v) for v in ((i, j), (x, y, 2), (x, y[:, :2]))]",
    "[nn.CosineSimilarity()(x, y), nn.CosineSimilarity(0, 2.0)(x, y), torch.cosine_similarity(x, y, dim=0)]",
    "[F.pdist(x, p) for p in (0.0, 0.5, 1.0, 2.0, 3.0, inf)]",
    "[torch.autograd.grad((F.pdist(x, p) ** 2).sum(), x) for p in (0.0, 0.5, 1.0, 2.0, 3.0, inf)]",
    "[torch.autograd.grad(F.pdist(x * 0, p).sum(), x) for p in (0.0, 1.0, 2.0, 3.0)]",
    "[F.pdist(f[:1]), F.pdist(f[:0]), F.pdist(f[:, :0]), torch.pdist(f.T.flip(0)), F.pdist(f[:, ::2], p=1)]",
    "[refused(F.pdist, v) for v in (x[0], x[None], i)] + [refused(F.pdist, x, -1.0)]",
    "[F.normalize(x, p) for p in (0.0, 0.5, 1.0, 3.0, inf, -1.0)]",
    "[grads(F.normalize, x, p=3.0), refused(F.normalize, i), F.normalize(x, dim=0), F.normalize(f * 0)]",
    # a linear layer and its cross-entropy
    "[F.linear_cross_entropy(x, lw, torch.tensor([2, 0, 1]), reduction=r) for r in ('none', 'mean', 'sum')]",
    "[torch.autograd.grad(F.linear_cross_entropy(x, lw, t, weight=w[:3]), (x, lw)) "
    "for t in (torch.tensor([2, 0, 1]), chances)]",
    "F.linear_cross_entropy(x, lw, torch.tensor([2, 0, 1]), linear_bias=w[:3], ignore_index=0, label_smoothing=0.1)",
    "[F.linear_cross_entropy(x, wide, several, reduction=r) for r in ('none', 'mean', 'sum')]",
    "[torch.autograd.grad(F.linear_cross_entropy(x, wide, t, linear_bias=wide[..., 0], ignore_index=k), (x, wide)) "
    "for t, k in ((several, -100), (several.abs() % 3, 1))]",
    "F.linear_cross_entropy(x[0], lw, torch.tensor(2)), F.linear_cross_entropy(x[0], lw, chances[0])",
    "[refused(F.linear_cross_entropy, *v, torch.tensor([2, 0, 1])) for v in ((x, lw[0]), (x, lw[:, :3]))]",
    "[refused(F.linear_cross_entropy, x[0], wide, several), refused(F.linear_cross_entropy, x, lw, c, linear_bias=w), "
    "refused(F.linear_cross_entropy, x, lw, chances, ignore_index=1)]",
    "[[str(m), [[n, list(t.shape)] for n, t in m.state_dict().items()]] for m in (nn.LinearCrossEntropyLoss(2, 3), "
    "nn.LinearCrossEntropyLoss(2, 3, out_features=(4, 5), bias=True, weight=torch.ones(3), ignore_index=1))]",
    "[filled(nn.LinearCrossEntropyLoss(4, 3, bias=True))(x, torch.tensor([2, 0, 1])), "
    "filled(nn.LinearCrossEntropyLoss(4, 3, out_features=(2,), bias=True, reduction='none'))(x, several)]",
    "[refused(nn.LinearCrossEntropyLoss, 2, 3, weight=torch.ones(2)), "
    "refused(nn.LinearCrossEntropyLoss, 2, 3, label_smoothing=1.5)]",
)
