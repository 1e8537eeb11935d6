"""Views of the bytes of tensors as another type, counts of writes, and questions about tensors and their memory."""

__all__ = ["CALLS", "START"]

START = """
x = torch.tensor([[1.0, -2.0, 0.5, 3.0], [0.25, 7.0, -1.5, 2.0]])
w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
kinds = (torch.float32, torch.int32, torch.uint8, torch.int16, torch.int64, torch.float64, torch.complex64)

def where(t):
    return [list(t.shape), list(t.stride()), t.storage_offset(), str(t.dtype).removeprefix("torch.")]

def written():
    a = torch.zeros(2, 2)
    b, counts = a.view(torch.int32), [a._version]
    for write in (
        lambda: a.add_(1),
        lambda: a[0].mul_(2),
        lambda: a.__setitem__(0, 3.0),
        lambda: a.fill_(2.0),
        lambda: a.copy_(torch.ones(2, 2)),
        lambda: a.zero_(),
        lambda: b.add_(1065353216),
        lambda: a.t().mul_(2.0),
        lambda: a.detach().sub_(1.0),
        lambda: a.clamp_(min=0.5),
        lambda: a + 1,
    ):
        write()
        counts.append([a._version, b._version, a.detach()._version])
    return counts, a, b, a.clone()._version

def stale():
    y = w * 1
    s = y.sin()
    y.view(torch.int32)[0] = 3
    s.sum().backward()

def through_bytes():
    y = w * 2
    y.view(torch.int32)[1] = 0
    y.sum().backward()
    return y, w.grad

def after_grad():
    p, seen = torch.tensor([1.0, 2.0], requires_grad=True), []
    def step(t):
        seen.append(t.grad.tolist())
        with torch.no_grad():
            t.sub_(t.grad)
        t.grad = None
    handle = p.register_post_accumulate_grad_hook(step)
    (p * p).sum().backward()
    torch.autograd.grad((p * p).sum(), p)
    handle.remove()
    (p * 3).sum().backward()
    return seen, p, p.grad, refused((p * 2).register_post_accumulate_grad_hook, step)
"""

CALLS = tuple(
    """
[x.view(k) for k in kinds[:-1]]
[x.view(dtype=k) for k in kinds[:-1]]
x.view(torch.complex64)
x.view(torch.complex64).view(torch.float32)
x.double().view(torch.float32)
torch.tensor([[1, 256, -1, 3]]).view(torch.uint8)
torch.tensor([True, False]).view(torch.uint8)
torch.tensor([1, 0, 1], dtype=torch.uint8).view(torch.bool)
torch.tensor(1.0).view(torch.int32)
[where(x.view(k)) for k in kinds]
[where(x.view(k)) for k in (float, bool, int)]
[where(x.t().view(k)) for k in (torch.int32, torch.float32)]
[refused(x.t().view, k) for k in kinds]
[refused(torch.tensor(1.0).view, k) for k in kinds]
[refused(torch.ones(3).view, k) for k in kinds]
[refused(torch.ones(5)[1:].view, k) for k in kinds]
[refused(torch.ones(6)[2:].view, k) for k in kinds]
[refused(torch.ones(3, 3)[:, :2].view, k) for k in kinds]
[where(torch.ones(3, 4)[1:, :2].view(k)) for k in kinds]
[refused(torch.ones(4)[::2].view, k) for k in kinds]
[refused(torch.ones(2, 1).expand(2, 2).view, k) for k in kinds]
[list(torch.ones(3, 0).view(k).shape) for k in kinds[:4]]
refused(x.view, "int32")
[[v.fill_(0), b] for b in [torch.arange(1.0, 5.0)] for v in [b[2:].view(torch.int32)]]
[[w.view(k).requires_grad, w.view(k).is_leaf, (w * 2).view(k).requires_grad] for k in kinds[:3]]
through_bytes()
stale()
written()
[torch.ones(2)._version, torch.ones(3).sub_(1)._version, torch.zeros(3).add(1)._version]
[where(t) for t in (x, x[1], x[:, 1:], x.t()[2:, 1], x.reshape(4, 2)[1:])]
[t.is_set_to(x) for t in (x, x.view(2, 4), x[:1], x.clone(), x.view(8), x.detach())]
[x._base is None, x[0]._base is x, x[0].view(2, 2)._base is x, x[0]._is_view(), x.clone()._is_view()]
after_grad()
[t.is_nonzero() for t in (torch.tensor([0.0]), torch.tensor(2), torch.tensor([[True]]))]
[refused(t.is_nonzero) for t in (torch.ones(2), torch.ones(0))]
[torch.zeros(1, dtype=k).is_signed() for k in kinds]
[x.is_same_size(x + 1), x.is_same_size(x[0])]
[x.is_cpu, x.is_meta, x.is_mps, x.is_xla, x.is_quantized, x.is_sparse, x.is_nested, x.is_inference(), x.is_neg()]
x.layout == torch.strided
[w.retains_grad, (w * 2).retains_grad, w.output_nr, (w * 2).output_nr]
[[y.retain_grad(), y.retains_grad] for y in [w * 2]]
x.to_dense(), x.to_dense(torch.float64)
x.split_with_sizes([1, 3], 1)
x.narrow_copy(1, 1, 2)
[x.sum_to_size(2, 1), x.sum_to_size((1, 4)), x.sum_to_size(4), x.sum_to_size(1), x.sum_to_size(2, 4), x.sum_to_size([])]
[refused(x.sum_to_size, s) for s in ((3, 4), (2, 2, 4), (2,))]
gradients(w.expand(2, 3).sum_to_size(3) ** 2, w)
[torch.zeros(s).fill_diagonal_(5) for s in ((2, 3), (5, 2), (3, 3), (2, 2, 2))]
[torch.zeros(s).fill_diagonal_(5, wrap=True) for s in ((7, 3), (2, 5), (4, 1), (3, 3))]
[refused(torch.zeros(s).fill_diagonal_, 1) for s in ((3,), (2, 3, 3))]
x.clone().apply_(lambda v: v * 2 + 1)
torch.arange(4).apply_(lambda v: v * v)
x.clone().map_(x[0], lambda a, b: a - b)
refused(w.apply_, abs)
refused(w.detach().map_, w, lambda a, b: a)
""".strip().splitlines()
)
