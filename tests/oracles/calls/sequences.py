"""Losses and tables for texts: ctc_loss, embedding_bag, the adaptive softmax."""

__all__ = ["CALLS", "START"]

START = """
def new(shape, seed=0):
    n = 1
    for s in shape:
        n *= s
    values = [((7 * i + 3 + seed) * (i + 5 + 2 * seed) % 23) / 12 - 0.9 for i in range(n)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape)

T = torch.tensor
x = new((6, 3, 4)).requires_grad_()
words = T([[1, 2, 3], [2, 2, 0], [3, 1, 2]])

def ctc(targets, *lengths, data=x, **options):
    # through log_softmax, as in programs; the gradient of a sum with different factors
    loss = F.ctc_loss(data.log_softmax(-1), targets, *lengths, **options)
    factors = torch.arange(1.0, loss.numel() + 1, dtype=loss.dtype).reshape(loss.shape)
    return loss, torch.autograd.grad((loss * factors).sum(), data)[0]

w = new((5, 3), 2).requires_grad_()
i, flat = T([[0, 2, 2], [2, 3, 1]]), T([0, 2, 4, 2, 3])
factors = new((2, 3), 5).requires_grad_()
bag = F.embedding_bag

def bagged(*args, inputs=(w,), **options):
    y = bag(*args, **options)
    scale = torch.arange(1.0, y.numel() + 1, dtype=y.dtype).reshape(y.shape)
    return y, torch.autograd.grad((y * scale).sum(), inputs)

def limited(*args, **options):
    table = w.detach().clone()
    return bag(*args[:1], table, *args[1:], **options), table

def adaptive(*args, **options):
    made = nn.AdaptiveLogSoftmaxWithLoss(*args, **options).double()
    for k, (_, p) in enumerate(sorted(made.named_parameters())):
        p.data = new(tuple(p.shape), k)
    return made

def trained(made, x, target):
    x = x.clone().requires_grad_()
    output, loss = made(x, target)
    first = torch.autograd.grad(loss, [x, *(p for _, p in sorted(made.named_parameters()))], create_graph=True)
    return output, loss, first, torch.autograd.grad(sum((g * g).sum() for g in first), x)

def names(module):
    return str(module), [[n, list(p.shape)] for n, p in module.state_dict().items()]

v = new((4, 8), 1)
"""

CALLS = [
    # ctc_loss
    *(f"ctc(words, (6, 6, 6), (3, 2, 1), reduction='{r}')" for r in ("none", "mean", "sum")),
    "ctc(words, (6, 5, 3), (3, 2, 2), reduction='none')",
    "ctc(words, T([6, 3, 1]), T([0, 2, 1]), reduction='none')",
    "ctc(T([1, 2, 3, 2, 2, 3]), (6, 5, 4), (3, 2, 1), reduction='none')",
    "ctc(words.int(), T([6, 5, 4]).int(), T([3, 2, 1]).int())",
    "ctc(T([[0, 1], [1, 1], [2, 0]]), (6, 6, 6), (2, 2, 1), blank=3, reduction='none')",
    "ctc(words, (6, 6, 6), (2, 2, 2), 3)",
    "ctc(words[:, :0], (6, 5, 4), (0, 0, 0), reduction='none')",
    "ctc(words, (3, 4, 6), (3, 2, 3), zero_infinity=True)",
    "ctc(words, (2, 1, 6), (3, 2, 3), reduction='none', zero_infinity=True)",
    "F.ctc_loss(x.log_softmax(-1), words, (2, 1, 6), (3, 2, 3), reduction='none')",
    "F.ctc_loss(x.log_softmax(-1), words, (0, 0, 6), (0, 2, 3), reduction='none')",
    "ctc(T([1, 2]), T(6), T(2), data=x[:, 0])",
    "ctc(T([1, 2]), (5,), (2,), data=x[:, 0], reduction='none')",
    "F.ctc_loss(x.float().log_softmax(-1), words, (6, 6, 6), (3, 2, 1))",
    "nn.CTCLoss()(x.log_softmax(-1), words, (6, 6, 6), (3, 2, 1)), str(nn.CTCLoss(1, 'sum', True))",
    "[[m.blank, m.reduction, m.zero_infinity] for m in (nn.CTCLoss(), nn.CTCLoss(2, 'sum', True))]",
    "nn.CTCLoss(3, 'sum', True)(x.log_softmax(-1), words * 0, (6, 6, 1), (3, 2, 2))",
    "F.ctc_loss(x, words, (6, 6, 7), (3, 2, 1))",
    "F.ctc_loss(x, words, (6, 6), (3, 2, 1))",
    "F.ctc_loss(x, words, (6, 6, 6), (4, 2, 1))",
    "F.ctc_loss(x, words, (6, 6, 6), (-1, 2, 1))",
    "F.ctc_loss(x, words[:2], (6, 6, 6), (3, 2, 1))",
    "F.ctc_loss(x, T([1, 2, 3]), (6, 6, 6), (3, 2, 1))",
    "F.ctc_loss(x, words, T([6.0, 6, 6]), (3, 2, 1))",
    "F.ctc_loss(x, words, (6, 6, 6), (3, 2, 1), blank=4)",
    "F.ctc_loss(x, words, (6, 6, 6), (3, 2, 1), reduction='all')",
    # embedding_bag
    *(
        f"bagged({a}, mode='{m}')"
        for m in ("sum", "mean", "max")
        for a in ("i, w", "flat, w, T([0, 2, 3])", "flat, w, T([0, 0, 5, 5])", "i, w, padding_idx=2", "i.int(), w")
    ),
    "bagged(i, w)",
    "bagged(T([[2, 2], [1, 2]]), w, padding_idx=-3), bagged(T([[2, 2], [1, 2]]), w, mode='max', padding_idx=2)",
    "bagged(flat, w, T([0, 3, 5]), include_last_offset=True), bagged(flat, w, T([0, 2]).int(), mode='max')",
    "bagged(i, w, per_sample_weights=factors, mode='sum', inputs=(w, factors))",
    "bagged(flat, w, T([0, 2]), None, 2.0, False, 'sum', False, factors.flatten()[:5], False, 4, inputs=(w, factors))",
    "[limited(i, None, m, p, mode=k) for m in (0.5, 2.0) for p in (1.0, 2) for k in ('sum', 'mean', 'max')]",
    "bag(T([]).long(), w, T([0, 0])), bag(i[:0], w)",
    "[nn.EmbeddingBag.from_pretrained(w.detach(), mode='sum')(i), nn.EmbeddingBag(5, 3, _weight=w.detach())(i)]",
    "nn.EmbeddingBag.from_pretrained(w.detach(), False, mode='max', padding_idx=2)(flat, T([0, 4]))",
    "[m.weight.requires_grad for m in (nn.EmbeddingBag.from_pretrained(w.detach()), nn.EmbeddingBag(2, 3), "
    "nn.EmbeddingBag.from_pretrained(w.detach(), False))]",
    "[names(m) for m in (nn.EmbeddingBag(4, 3), nn.EmbeddingBag(4, 3, 2.0, 1.0, True, 'sum', False, None, True, 1))]",
    "nn.EmbeddingBag(4, 3, padding_idx=-1).padding_idx, nn.EmbeddingBag(4, 3, padding_idx=2).weight[2]",
    "nn.EmbeddingBag.from_pretrained(w.detach(), mode='sum')(i, None, factors.detach())",
    "bag(flat, w)",
    "bag(i, w, T([0, 1]))",
    "bag(flat, w, T([1, 2]))",
    "bag(flat, w, T([0, 6]))",
    "bag(flat, w, T([[0, 1]]))",
    "bag(flat, w, T([0.0, 1.0]))",
    "bag(i + 3, w)",
    "bag(i, w, mode='min')",
    "bag(i, w, mode='max', scale_grad_by_freq=True)",
    "bag(i, w, per_sample_weights=factors)",
    "bag(i, w, per_sample_weights=factors[0], mode='sum')",
    "bag(i, w, padding_idx=5)",
    "nn.EmbeddingBag(4, 3, padding_idx=4)",
    # adaptive softmax
    "names(adaptive(8, 10, [2, 5], 2.0))",
    "names(adaptive(8, 10, (3,), 2.0, True))",
    "trained(adaptive(8, 10, [2, 5], 2.0), v, T([0, 3, 9, 2]))",
    "trained(adaptive(8, 10, [2, 5], 2.0, head_bias=True), v, T([1, 5, 4, 0]))",
    "trained(adaptive(8, 10, [9], 4.0), v, T([9, 9, 8, 9]))",
    "adaptive(8, 10, [2, 5], 2.0)(v[0], T(4)), adaptive(8, 10, [2, 5], 2.0)(v[0], T(1))",
    "adaptive(8, 10, [2, 5], 2.0).log_prob(v), adaptive(8, 10, [2, 5], 2.0).predict(v)",
    "adaptive(8, 10, [4], 2.0).log_prob(v[:1]), adaptive(8, 10, [4], 2.0).predict(v)",
    "[[m.cutoffs, m.shortlist_size, m.n_clusters, m.head_size, m.div_value, m.head_bias, m.reset_parameters()] "
    "for m in [adaptive(8, 10, [2, 5], 2.0)]]",
    "[m._fields for m in [adaptive(8, 10, [2, 5], 2.0)(v, T([0, 3, 9, 2]))]]",
    "adaptive(8, 10, [2, 5], 2.0)(v, T([0, 3, 10, 2]))",
    "adaptive(8, 10, [2, 5], 2.0)(v, T([0, 3, -1, 2]))",
    "adaptive(8, 10, [2, 5], 2.0)(v, T([0, 3]))",
    "adaptive(8, 10, [2, 5], 2.0)(v[:, :3], T([0, 3, 2, 2]))",
    "adaptive(8, 10, [2, 5], 2.0)(v, T([[0], [3], [2], [2]]))",
    "[refused(adaptive, 8, 10, c) for c in ([], [5, 2], [2, 2], [2, 10], [0, 2], [2.5])]",
]
