"""What programs of PyTorch call and newer ones need less: older methods, names of types and memory formats, hooks."""

__all__ = ["CALLS", "START"]

START = """
def kind_of_error(kind, function):
    try:
        function()
    except kind:
        return True
    return False

x = torch.tensor([[1.0, 2.0, 4.0], [3.0, -1.0, 0.5]])
i = torch.tensor([7, -7, 6, -6])
leaf = torch.tensor([1.0, 2.0], requires_grad=True)

def refused(function, *arguments):
    try:
        function(*arguments)
    except RuntimeError:
        return True

def limits(*type):
    info = torch.finfo(*type)
    numbers = [getattr(info, name) for name in ("eps", "max", "min", "tiny", "smallest_normal", "resolution")]
    kinds = [n.__class__.__name__ for n in numbers]
    return kinds, [n.hex() for n in numbers[:5]], numbers[5], info.bits, info.dtype

def dtype(value):
    return str(value).removeprefix("torch.")
"""

CALLS = (
    "x.new(2, 3).shape",
    "x.new([1, 2])",
    "i.new([1.7, -2])",
    "x.new(x.size()).shape",
    "x.new().shape",
    "x.double().new([1])",
    "x.new_empty(2, 3).shape",
    "x.new_empty((2,), dtype=torch.int64).dtype == torch.int64",
    "x.new_full((2, 2), 7)",
    "i.new_full((2,), 7)",
    "x.new_full((2,), 3, dtype=torch.int64)",
    "[(leaf * 2).detach_(), leaf.clone().detach_().is_leaf]",
    "[y.detach_().requires_grad_() is y and (y * y).sum().backward() or (y.grad, leaf.grad) for y in [leaf * 3]]",
    "(leaf * 2)[0].detach_()",
    "x.clone().resize_(3, 2)",
    "x.clone().resize_(4)",
    "x.clone().resize_(3, 4).shape",
    "x.clone().resize_as_(i)",
    "leaf.resize_(1)",
    "[x.get_device(), x.element_size(), i.element_size(), x.nbytes, x.itemsize, i.byte().nbytes]",
    "[x.stride(), x.t().stride(), x.stride(0), x[:, ::2].stride(-1), torch.zeros(()).stride()]",
    "x.is_pinned()",
    "[x.short(), x.char(), x.half().float()]",
    "dtype(x.half().dtype)",
    "(x.half() + x.half()).float()",
    "dtype((x.half() + x).dtype)",
    "dtype((x.half() * 2).dtype)",
    "dtype((x.short() + x.char()).dtype)",
    "[x.half().type(), x.short().type(), x.char().type()]",
    "torch.HalfTensor([1, 2]).float()",
    "torch.ShortTensor([1, 2])",
    "torch.CharTensor([1, -2])",
    "[torch.half == torch.float16, torch.short == torch.int16, torch.bfloat16 == torch.float16]",
    "[isinstance(x.dtype, torch.dtype), x.dtype == torch.bfloat16, x.dtype == torch.complex64]",
    "[torch.finfo(torch.float32).eps, torch.finfo(torch.float32).max > 3e38, torch.iinfo(torch.int8).max]",
    "torch.finfo(x.dtype).tiny > 0",
    "limits()",
    "[limits(t) for t in (torch.float16, torch.bfloat16, torch.float32, torch.float64)]",
    "torch.finfo(torch.int32)",
    # memory formats and places
    "x.to('cpu', torch.float64, False, True)",
    "x.to(torch.float64, non_blocking=True)",
    "x.to(x.double(), True)",
    "x.to(dtype=torch.int64, copy=True)",
    "x.to(torch.float32, copy=True) is x",
    "[x.to(torch.float32) is x, x.to(x.device) is x, x.to(None) is x]",
    "x.to(torch.float64, False, True)",
    "x[None, None].to(memory_format=torch.channels_last)",
    "x[None, None].contiguous(memory_format=torch.channels_last)",
    "x[None, None].clone(memory_format=torch.preserve_format)",
    "nn.Conv2d(1, 1, 1).to(memory_format=torch.channels_last, dtype=torch.float64).weight.dtype == torch.float64",
    "nn.Conv2d(1, 1, 1).to('cpu', torch.float64, True).weight.dtype == torch.float64",
    "nn.Linear(1, 1).type(torch.float64).bias.dtype == torch.float64",
    "dtype(nn.Linear(1, 1).half().bias.dtype)",
    # modules
    "list(nn.Sequential(nn.ReLU(), nn.Linear(1, 1))._modules)",
    "[list(nn.BatchNorm1d(2)._parameters), list(nn.BatchNorm1d(2)._buffers)]",
    "[isinstance(nn.BatchNorm2d(1), nn.modules.batchnorm._BatchNorm), nn.modules.utils._pair(3)]",
    "[nn.modules.utils._pair((1, 2)), nn.modules.utils._single([1]), nn.modules.utils._triple(2)]",
    "isinstance(nn.ConvTranspose2d(1, 1, 1), nn.modules.conv._ConvNd)",
    "[nn.modules.container.ModuleList is nn.ModuleList, isinstance(nn.MSELoss(), nn.modules.loss._Loss)]",
    # no effect on one device
    "torch.utils.checkpoint.checkpoint(lambda a, b=1: a * b, leaf, b=3, use_reentrant=False)",
    "torch.utils.checkpoint.checkpoint(lambda a: (a**2).sum(), leaf, use_reentrant=False)",
    "[s.scale(leaf.sum()) is not None for s in [torch.amp.GradScaler('cpu', enabled=False)]]",
    "torch.amp.autocast('cpu', enabled=False)(lambda: leaf * 2)()",
    "torch.cuda.amp.autocast(enabled=False)(lambda: leaf * 2)()",
    "[torch.distributed.is_initialized(), torch.version.cuda is not None and torch.cuda.is_available()]",
    "torch.compiler.is_compiling()",
    "torch.backends.mps.is_available()",
    "setattr(torch.backends.cuda.matmul, 'allow_tf32', True)",
    "torch.compile(lambda a: a * 2)(x)",
    "torch.compile(dynamic=False)(lambda a: a * 2) is not None",
    "[F._Reduction.get_enum(r) for r in ('none', 'mean', 'sum')]",
    "F._Reduction.get_enum('other')",
    "torch.ByteTensor(torch.ByteStorage.from_buffer(bytes([1, 2, 255])))",
    "torch.autograd.Variable(x, volatile=True).requires_grad",
    "torch.accelerator.device_count()",
    "[hasattr(torch, name) for name in ('no_such_thing',)]",
    # settings and questions
    "[torch.promote_types(a, b) == c for a, b, c in ((torch.int64, torch.float32, torch.float32), "
    "(torch.uint8, torch.int8, torch.int16), (torch.bool, torch.int32, torch.int32))]",
    "[torch.result_type(x, 1.0) == torch.float32, torch.result_type(i, 1.0) == torch.float32, "
    "torch.result_type(i, x[0, 0].double()) == torch.float64, torch.result_type(1, 2.0) == torch.float32]",
    "[torch.can_cast(a, b) for a in (torch.bool, torch.uint8, torch.int64, torch.float32) "
    "for b in (torch.bool, torch.uint8, torch.int32, torch.float32)]",
    "[torch.is_complex(x), torch.is_signed(x), torch.is_signed(i.byte()), torch.is_nonzero(x[0, 0] - 1)]",
    "torch.is_nonzero(x)",
    "[torch.is_same_size(x, x), torch.is_same_size(x, i)]",
    "[torch.typename(x), torch.typename(i), torch.typename(3)]",
    "[torch.set_default_dtype(torch.float32), torch.set_default_tensor_type(torch.FloatTensor)]",
    "torch.use_deterministic_algorithms(False)",
    "torch.set_float32_matmul_precision('highest')",
    "torch.set_printoptions(profile='default')",
    "torch.conv2d(x[None, None], torch.ones(1, 1, 2, 2), padding=1)",
    "torch.pixel_shuffle(torch.arange(8.0).reshape(1, 4, 1, 2), 2)",
    "torch.avg_pool1d(x, 2)",
    "torch.zeros(2, layout=torch.strided, pin_memory=False)",
    "torch.randn(2, 3, layout=torch.strided).shape",
    "isinstance(torch.strided, torch.layout)",
    "[refused(torch.mm, x, x), refused(nn.Linear(2, 2), x)]",
    "[f(x) for f in (torch.jit.ignore(lambda t: t + 1), torch.jit.unused(lambda t: t + 2))]",
    "[torch.jit.is_scripting(), torch.jit.is_tracing()]",
    # generators
    "[torch.Generator().manual_seed(3).initial_seed(), torch.manual_seed(4).initial_seed(), torch.initial_seed()]",
    "[torch.rand(2, generator=g).tolist() == torch.rand(2, generator=h).tolist() "
    "for g, h in [(torch.Generator().manual_seed(3), torch.Generator().manual_seed(3))]]",
    "[torch.randperm(9, generator=g).tolist() == torch.randperm(9, generator=g.set_state(state)).tolist() "
    "for g in [torch.Generator()] for state in [g.get_state()]]",
    "torch.randn(2, generator=3)",
    # datasets and loaders
    "list(torch.utils.data.DataLoader(range(5), 2))",
    "list(torch.utils.data.DataLoader(range(5), 2, drop_last=True))",
    "list(torch.utils.data.DataLoader([0.5, 1.5], 2))",
    "list(torch.utils.data.DataLoader([(x, 1, 'a'), (x, 2, 'b')], batch_size=2))",
    "list(torch.utils.data.DataLoader([{'x': x, 'n': 1}], 1))",
    "list(torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, i[:2]), 1))",
    "list(torch.utils.data.DataLoader(x))",
    "list(torch.utils.data.DataLoader(range(4), sampler=[3, 1], batch_size=None))",
    "list(torch.utils.data.DataLoader(range(4), batch_sampler=[[3, 1], [0]]))",
    "torch.utils.data.DataLoader(range(4), shuffle=True, sampler=[1])",
    "torch.utils.data.DataLoader(range(4), batch_sampler=[[1]], drop_last=True)",
    "torch.utils.data.DataLoader(range(4), batch_size=None, drop_last=True)",
    "[len(d) for d in torch.utils.data.random_split(range(10), [0.75, 0.25])]",
    "[len(d) for d in torch.utils.data.random_split(range(10), [3, 7], torch.Generator().manual_seed(1))]",
    "list(torch.utils.data.BatchSampler(torch.utils.data.SequentialSampler(range(5)), 2, False))",
    "list(torch.utils.data.distributed.DistributedSampler(range(5), 2, 1, shuffle=False))",
    "list(torch.utils.data.distributed.DistributedSampler(range(5), 2, 1, shuffle=False, drop_last=True))",
    "sorted(torch.utils.data.RandomSampler(range(3), num_samples=5))[:1]",
    "torch.utils.data.ConcatDataset([[1, 2], [3]])[-1]",
    "(torch.utils.data.TensorDataset(i) + torch.utils.data.TensorDataset(i))[5]",
    "torch.utils.data.StackDataset(a=[1, 2], b=[3, 4])[1]",
    "torch.utils.data.default_collate([[1, 2.5], [3, 4.5]])",
    "torch.utils.data.default_convert([1, 'a', (2.5,)])",
    "[nn.init._calculate_fan_in_and_fan_out(torch.empty(4, 3, 2, 5))]",
    "[torch.use_deterministic_algorithms(m) or torch.are_deterministic_algorithms_enabled() for m in (True, False)]",
    "[torch.set_float32_matmul_precision(p) or torch.get_float32_matmul_precision() for p in ('high', 'highest')]",
    "[nn.modules.linear.Identity is nn.Identity, nn.modules.activation.ReLU is nn.ReLU, nn.modules.flatten.Flatten is "
    "nn.Flatten, nn.modules.pooling.MaxPool2d is nn.MaxPool2d, nn.modules.dropout.Dropout is nn.Dropout]",
    "[nn.modules.normalization.GroupNorm is nn.GroupNorm, nn.modules.padding.ZeroPad2d is nn.ZeroPad2d, "
    "nn.modules.upsampling.Upsample is nn.Upsample, nn.modules.pixelshuffle.PixelShuffle is nn.PixelShuffle]",
    "[isinstance(nn.InstanceNorm2d(1), nn.modules.instancenorm._InstanceNorm), "
    "nn.modules.sparse.Embedding is nn.Embedding]",
    "[type('Any', (nn.modules.batchnorm._BatchNorm,), {'_check_input_dim': lambda s, i: None})(3)(batch) "
    "for batch in (torch.arange(12.0).reshape(4, 3), torch.arange(12.0).reshape(2, 3, 2, 1))]",
    "[refused(type('None', (nn.BatchNorm2d,), {'_check_input_dim': lambda s, i: 1 / 0})(3), torch.ones(2, 3, 4, 4))]",
    "[nn.ReLU()._get_name(), type('Mine', (nn.Linear,), {})(1, 2)._get_name()]",
    "[kind_of_error(IndexError, f) for f in (lambda: x[0, 5], lambda: x[:, -9], lambda: x[0, 0, 0], lambda: x.sum(2))]",
    "[kind_of_error(IndexError, f) for f in (lambda: x.size(7), lambda: x.flatten(3), lambda: x.__setitem__(9, 1))]",
)
