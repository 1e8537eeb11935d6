"""Arguments that PyTorch reads in a special way, and what only programs of PyTorch use."""

__all__ = ["CALLS", "START"]

START = """
x = torch.tensor([[1.0, 2.0, 4.0], [3.0, -1.0, 0.5]])
i, j = torch.tensor([7, -7, 6, -6]), torch.tensor([2, 2, -4, -4])
w = torch.tensor([[1.0, 2.0, 0.5], [0.0, 1.0, 1.0]])
zero, classes = x * 0, torch.tensor([2, 0])
a, b = torch.tensor(2.0, requires_grad=True), torch.tensor(3.0, requires_grad=True)

class Both(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y, n):
        ctx.save_for_backward(x, y)
        ctx.n = n
        return x * y, x + n * y

    @staticmethod
    def backward(ctx, first, second):
        x, y = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        return first * y + second, (first * x + ctx.n * second if wanted[1] else None), None

class Exp(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return x.exp()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, grad):
        (y,) = ctx.saved_tensors
        return grad * y

class Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        return 3 * ctx.saved_tensors[0] ** 2 * grad

class Parts(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        index = x > 1.5
        ctx.mark_non_differentiable(index)
        return x * 2, x * 3, index

    @staticmethod
    def backward(ctx, first, second, index):
        return (0 if first is None else 2 * first) + (0 if second is None else 3 * second)

class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx, grad):
        return 2 * grad

class Wrong(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        return x * y

    @staticmethod
    def backward(ctx, grad):
        return grad

def leaf():
    return torch.tensor([1.0, 2.0], requires_grad=True)

def steps(kind, **options):
    p = leaf()
    optimizer = kind([p], lr=0.1, **options)
    for _ in range(3):
        optimizer.zero_grad()
        (p * p).sum().backward()
        optimizer.step()
    return p.detach()

def rates(kind, *arguments):
    optimizer = optim.SGD([leaf()], lr=1.0)
    schedule = kind(optimizer, *arguments)
    found = []
    for _ in range(4):
        optimizer.step()
        schedule.step()
        found += schedule.get_last_lr()
    return found
"""

CALLS = (
    # reductions
    "x.var(False)",
    "x.std(True)",
    "x.var(1, False)",
    "x.var(0, True, True)",
    "torch.var(x, dim=1, correction=0)",
    "torch.std(x, unbiased=False)",
    "torch.std(x, (0, 1), True)",
    "x.sum(1, 2)",
    "x.mean(0, 1)",
    "x.max(1, 1)",
    "x.amax(())",
    "torch.max(x, x.flip(0))",
    "torch.min(x, other=x.flip(1))",
    "x.max(x * 2)",
    "torch.max(x, 1)[0]",
    "torch.sum(i, dtype=torch.float64)",
    "i.float().mean(dtype=torch.float64)",
    "torch.cumsum(i, 0, dtype=torch.float32)",
    "torch.prod(i, dtype=torch.float32)",
    "x.norm()",
    "torch.norm(x, 'fro')",
    "x.norm(1, 1)",
    "torch.softmax(i, 0, dtype=torch.float64)",
    # arithmetic
    "torch.add(x, x, alpha=3)",
    "x.sub(2, alpha=0.5)",
    "x.clone().sub_(x, alpha=2)",
    "x.clone().add_(x, alpha=2)",
    "torch.div(i, j, rounding_mode='trunc')",
    "torch.div(i, j, rounding_mode='floor')",
    "torch.div(x, -0.7, rounding_mode='trunc')",
    "torch.div(x, -0.7, rounding_mode='floor')",
    "x.clone().div_(0.3, rounding_mode='floor')",
    "torch.round(x * 1.2345, decimals=2)",
    "torch.round(x * 1234, decimals=-2)",
    "torch.add(x, x, foo=1)",
    # shapes and new tensors
    "x.flip(0, 1)",
    "x.flip((0, 1))",
    "x[None, :, None].squeeze(0, 2)",
    "x.t() if hasattr(x, 't') else x.T",
    "x.view(3, 2)",
    "x.T.view(6)",
    "torch.zeros_like(i, dtype=torch.float32, requires_grad=True)",
    "torch.full_like(x, 2, dtype=torch.int64)",
    "x.new_zeros(2, dtype=torch.int64)",
    "x.new_tensor([1, 2])",
    "torch.arange(3.0, requires_grad=True)",
    "torch.eye(2, requires_grad=True)",
    "torch.randint(5, (3,)) * 0",
    "torch.randint(high=5, size=(3,), dtype=torch.int32) * 0",
    "torch.randperm(1, dtype=torch.int32)",
    "torch.Tensor().shape",
    "torch.Tensor(3).shape",
    "torch.Tensor(2, 3).shape",
    "torch.Tensor(x.shape).shape",
    "torch.Tensor([1, 2])",
    "torch.Tensor((2, 3))",
    "torch.Tensor([True, False])",
    "torch.Tensor([torch.tensor(1.0), 2])",
    "torch.Tensor(i)",
    "[torch.Tensor(x).fill_(3), x]",
    "torch.Tensor(3.5)",
    "torch.Tensor(2, 'a')",
    "torch.Tensor([[1, 2], [3]])",
    "x.shape.numel()",
    "torch.FloatTensor([1, 2])",
    "torch.LongTensor([1.7, -1.7])",
    "torch.LongTensor([16777217])",
    "torch.ByteTensor(2, 3).shape",
    "torch.IntTensor([[1], [2]])",
    "torch.DoubleTensor([1])",
    "torch.BoolTensor([0, 1])",
    "torch.LongTensor(x)",
    "[isinstance(x, torch.FloatTensor), isinstance(i, torch.FloatTensor), isinstance(i, torch.LongTensor)]",
    "[x.type(), i.type(), (x > 0).type()]",
    "x.type(torch.LongTensor)",
    "x.type('torch.IntTensor')",
    "x.type(torch.float64)",
    "x.int()",
    "(x * x).byte()",
    "x.t()",
    "x[0].t()",
    "x[None].t()",
    "x.narrow(1, 1, 2)",
    "torch.narrow(x, 1, -2, 1)",
    "x.narrow(1, 1, 3)",
    "x.select(1, -1)",
    "torch.movedim(x[None], (0, 2), (2, 0))",
    "x[None].movedim(0, -1).shape",
    "x.swapaxes(0, 1)",
    "x.tile(2)",
    "torch.tile(x[0], (2, 2))",
    "[torch.numel(x), x.nelement(), x.ndimension()]",
    "x[0].expand_as(x)",
    "x.view_as(x.reshape(3, 2))",
    "x.T.view_as(x)",
    "x.T.reshape_as(x)",
    "torch.mm(x, x.t())",
    "torch.mm(x, x[0])",
    "torch.bmm(x[None], x.t()[None])",
    "torch.bmm(x[None], x.t()[None].repeat(2, 1, 1))",
    "x.mv(x[0])",
    "x[0].dot(x[1])",
    "torch.outer(x[0], x[1])",
    "torch.concat([x, x], 1).shape",
    # layers and losses
    "F.softmax(x)",
    "x.softmax(axis=0)",
    "torch.log_softmax(x, axis=-1)",
    "F.softmax(x[None])",
    "F.log_softmax(x[0])",
    "nn.Softmax()(x)",
    "nn.LogSoftmax()(x)",
    "nn.CrossEntropyLoss(None, False)(x, classes)",
    "nn.CrossEntropyLoss(None, True, -100, False)(x, classes)",
    "nn.CrossEntropyLoss(None, None, 2)(x, classes)",
    "nn.NLLLoss(None, False)(x, classes)",
    "nn.MSELoss(False)(x, zero)",
    "nn.MSELoss(True)(x, zero)",
    "nn.MSELoss(reduce=False)(x, zero)",
    "nn.L1Loss(size_average=False)(x, zero)",
    "nn.SmoothL1Loss(None, None, 'sum', 0.5)(x, zero)",
    "nn.BCELoss(None, False)(x.sigmoid(), zero)",
    "nn.BCEWithLogitsLoss(None, False)(x, zero)",
    "F.mse_loss(x, zero, False)",
    "F.l1_loss(x, zero, True, False)",
    "F.smooth_l1_loss(x, zero, None, None, 'sum', 0.5)",
    "F.nll_loss(x, classes, None, False)",
    "F.cross_entropy(x, classes, None, False)",
    "F.binary_cross_entropy(x.sigmoid(), zero, None, False)",
    "F.binary_cross_entropy_with_logits(x, zero, w, False)",
    "F.mse_loss(x, zero, weight=w)",
    "F.mse_loss(x, zero, reduction='none', weight=w)",
    "F.l1_loss(x, zero, reduction='sum', weight=w)",
    "F.huber_loss(x, zero, weight=w)",
    "F.huber_loss(x, zero, reduction='sum', weight=w)",
    "[t.dtype == torch.float64 for t in nn.Conv2d(1, 2, 3, dtype=torch.float64).parameters()]",
    "[t.dtype == torch.float64 for t in nn.ConvTranspose1d(1, 2, 3, dtype=torch.float64).parameters()]",
    "[t.dtype == torch.float64 for t in nn.Linear(1, 2, True, 'cpu', torch.float64).parameters()]",
    "[t.dtype == torch.float64 for t in nn.BatchNorm2d(2, dtype=torch.float64).state_dict().values()]",
    "[t.dtype == torch.float64 for t in nn.InstanceNorm2d(2, affine=True, dtype=torch.float64).parameters()]",
    "[t.dtype == torch.float64 for t in nn.GroupNorm(1, 2, dtype=torch.float64).parameters()]",
    "[t.dtype == torch.float64 for t in nn.LayerNorm(2, dtype=torch.float64).parameters()]",
    "[t.dtype == torch.float64 for t in nn.Embedding(2, 2, dtype=torch.float64).parameters()]",
    # gradients
    "[(a * b * a).backward(inputs=[a]), a.grad, b.grad][1:]",
    "[(a * b).backward(inputs=b), a.grad, b.grad][1:]",
    "[[(p * q).sum().backward(inputs=[p]), p.grad, q.grad][1:] for p, q in [(leaf(), leaf())]]",
    "[(p * p).sum().backward(inputs=p) or p.grad for p in [torch.zeros((), requires_grad=True)]]",
    "torch.autograd.grad(a * b, [a, leaf()], materialize_grads=True)",
    "torch.autograd.grad(a * b, [a, leaf()], None, None, False, True, True)[0]",
    "torch.autograd.grad(a * b, [a, leaf()])",
    "torch.no_grad(lambda: (a * b).requires_grad)()",
    "torch.no_grad()(lambda: (a * b).requires_grad)()",
    "torch.no_grad()(torch.enable_grad(lambda: (a * b).requires_grad))()",
    "a.numpy()",
    "a.numpy(force=True).tolist()",
    "gradients(sum(Both.apply(a, b, 5)), a, b)",
    "gradients(Both.apply(a, b, 5)[1] ** 2, a, b)",
    "gradients(Both.apply(a, b.detach(), 5)[0], a)",
    "[y.requires_grad for y in Both.apply(a, torch.tensor(1.0), 2)]",
    "torch.no_grad()(Both.apply)(a, b, 1)",
    "gradients(Exp.apply(a) * b, a, b)",
    "gradients(Once.apply(a), a)[0]",
    "[y.requires_grad for y in Parts.apply(a)]",
    "gradients(Parts.apply(a)[1], a)",
    "gradients(sum(Parts.apply(a)[:2]), a)",
    "[Double.apply(y).sum().backward() or y for y in [a * b]][0]",
    "[(Double.apply(y) * y).sum().backward() or (a.grad, b.grad) for y in [a * b]][0]",
    "Wrong.apply(a, b).backward()",
    "Both.apply(2, 3, 1)",
    "[isinstance(x, torch.autograd.Variable), torch.autograd.Variable(x, requires_grad=True).requires_grad]",
    "[torch.autograd.Variable(x).fill_(7), x]",
    "torch.autograd.Variable(a * b).requires_grad",
    "torch.set_grad_enabled(False) and [(a * b).requires_grad, torch.set_grad_enabled(True) and (a * b).requires_grad]",
    "torch.set_grad_enabled(False)(lambda: (a * b).requires_grad)()",
    "[torch.set_grad_enabled(False)(lambda: 1)(), (a * b).requires_grad]",
    "[s.__enter__() or (a * b).requires_grad for s in [torch.set_grad_enabled(False)]] + "
    "[torch.set_grad_enabled(True) and 1]",
    "torch.inference_mode()(lambda: (a * b).requires_grad)()",
    "torch.inference_mode(False)(lambda: (a * b).requires_grad)()",
    "[torch.is_tensor(x), torch.is_tensor([1]), torch.is_floating_point(x), i.is_floating_point()]",
    "[torch.float == torch.float32, torch.double == torch.float64]",
    "[torch.long == torch.int64, torch.int == torch.int32]",
    "torch.get_default_dtype() == torch.float32",
    "[torch.pi, torch.e, torch.inf > 1, torch.nan != torch.nan]",
    # one device
    "setattr(torch.backends.cudnn, 'benchmark', True)",
    "[list(nn.DataParallel(nn.Linear(1, 2)).state_dict()), nn.DataParallel(nn.ReLU())(x)]",
    "nn.DataParallel(nn.BatchNorm2d(2), device_ids=None).module.num_features",
    "[torch.cuda.manual_seed(1), torch.cuda.manual_seed_all(1), torch.cuda.empty_cache()]",
    # optimizers and schedules
    "steps(optim.SGD, momentum=0.9, maximize=True, foreach=False)",
    "steps(optim.Adam, weight_decay=0.1, maximize=True, fused=None)",
    "steps(optim.AdamW, weight_decay=0.1, maximize=True, capturable=False)",
    "steps(optim.Adam, weight_decay=0.1, decoupled_weight_decay=True)",
    "sorted(optim.SGD([leaf()]).param_groups[0])",
    "sorted(optim.Adam([leaf()]).param_groups[0])",
    "sorted(optim.AdamW([leaf()]).param_groups[0])",
    "rates(optim.lr_scheduler.StepLR, 2, 0.5)",
    "rates(optim.lr_scheduler.StepLR, 2, 0.5, 3)",
    "rates(optim.lr_scheduler.CosineAnnealingLR, 4, 0.1, -1)",
)
