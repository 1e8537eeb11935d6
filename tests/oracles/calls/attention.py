"""Attention: masks of both kinds, groups of heads, layers with all their arguments, names of the state."""

__all__ = ["CALLS", "START"]

START = """
def new(shape, seed=0):
    n = 1
    for s in shape:
        n *= s
    values = [((7 * i + 3 + seed) * (i + 5 + 2 * seed) % 23) / 12 - 0.9 for i in range(n)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape).requires_grad_()

def first(y, *inputs):
    weights = torch.arange(y.numel(), dtype=y.dtype).reshape(y.shape) * 0.25 - 1
    return torch.autograd.grad((y * weights).sum(), inputs)

import importlib
A = importlib.import_module(f"{torch.__name__}.nn.attention")

def within(*backends, **options):
    with A.sdpa_kernel(*backends, **options):
        return sdpa(q, q, q)

q, k, v = new((2, 4, 3, 6)), new((2, 2, 5, 6), 1), new((2, 2, 5, 3), 2)
seen = torch.tensor([[True, False, True, True, False], [True] * 5, [False, True, False, False, False]])
sdpa = F.scaled_dot_product_attention

x, y, z = new((3, 2, 4)), new((5, 2, 4), 1), new((5, 2, 4), 2)
wide, wider = new((5, 2, 3), 1), new((5, 2, 7), 2)
hidden = torch.tensor([[False, True, False, False, True], [False] * 4 + [True], [False] * 5])
padding = torch.tensor([[False, False, True, False, True], [True, False, False, False, False]])
heads_mask = new((4, 3, 5), 3)
causal = torch.ones(3, 3).triu(1).bool() if hasattr(torch, "triu") else torch.arange(3).unsqueeze(1) < torch.arange(3)

def layer(*args, **kwargs):
    made = nn.MultiheadAttention(*args, dtype=torch.float64, **kwargs)
    for i, p in enumerate(made.parameters()):
        p.data = new(tuple(p.shape), i).detach()
    return made

def attended(made, *inputs, **kwargs):
    out, weights = made(*inputs, **kwargs)
    parameters = [p for _, p in sorted(made.named_parameters())]
    return out, weights, first(out, *inputs, *parameters)

def function(made, *inputs, **kwargs):
    return F.multi_head_attention_forward(
        *inputs, 4, 2, made.in_proj_weight, made.in_proj_bias, made.bias_k, made.bias_v, made.add_zero_attn, 0.0,
        made.out_proj.weight, made.out_proj.bias, **kwargs
    )

def names(*args, **kwargs):
    made = nn.MultiheadAttention(*args, **kwargs)
    return [[n, list(p.shape)] for n, p in made.state_dict().items()]
"""

_OPTIONS = (
    "",
    ", bias=False",
    ", add_bias_kv=True",
    ", add_zero_attn=True",
    ", add_bias_kv=True, add_zero_attn=True",
    ", kdim=3, vdim=7",
)
_CALLS = (
    "",
    ", need_weights=False",
    ", average_attn_weights=False",
    ", key_padding_mask=padding",
    ", key_padding_mask=padding.double() * -0.5",
    ", attn_mask=hidden",
    ", attn_mask=hidden, key_padding_mask=padding",
    ", attn_mask=heads_mask, key_padding_mask=padding, need_weights=False",
    ", attn_mask=heads_mask.detach() > 0.3, average_attn_weights=False",
)

CALLS = [
    "sdpa(q, k, v, enable_gqa=True)",
    "[[name, int(b.value)] for name, b in A.SDPBackend.__members__.items()]",
    "within(A.SDPBackend.MATH), within([A.SDPBackend.MATH, A.SDPBackend.FLASH_ATTENTION], set_priority=True)",
    "[refused(within, b) for b in (0, 'MATH', [0])]",
    "sdpa(q.float(), q.float(), q.float(), torch.zeros(3, 3, dtype=torch.float64))",
    "sdpa(q, q, q, torch.zeros(3, 3))",
    "sdpa(q, q, q, torch.zeros(2, 2))",
    "first(sdpa(q, k, v, enable_gqa=True), q, k, v)",
    "sdpa(q, k, v, seen, enable_gqa=True)",
    "sdpa(q, k, v, is_causal=True, enable_gqa=True)",
    "sdpa(q, q, q, enable_gqa=True)",
    "sdpa(q, k, v)",
    "sdpa(q, k[:, :1], v[:, :1], enable_gqa=True, scale=0.3)",
    "sdpa(q[:, :3], k, v, enable_gqa=True)",
    "sdpa(q[:, :2], k, v, seen, 0.0, False, scale=1.0)",
    "sdpa(q[:, :2].float(), k.float(), v.float())",
    *(
        f"attended(layer(4, 2{o}), x, {'wide, wider' if 'kdim' in o else 'y, z'}{c})"
        for o in _OPTIONS
        for c in _CALLS
        if not (o and "average" in c)
    ),
    "attended(layer(4, 1), x, x, x)",
    "attended(layer(4, 2, batch_first=True), x.transpose(0, 1), y.transpose(0, 1), z.transpose(0, 1))",
    "attended(layer(4, 2, batch_first=True), x[:, 0], y[:, 0], z[:, 0], attn_mask=hidden)",
    "attended(layer(4, 2), x[:, 0], y[:, 0], z[:, 0], key_padding_mask=padding[0], need_weights=False)",
    "attended(layer(4, 2), x[:, 0], y[:, 0], z[:, 0], average_attn_weights=False)",
    "attended(layer(4, 2), x, x, x, attn_mask=causal, is_causal=True, need_weights=False)",
    "attended(layer(4, 2), x, x, x, attn_mask=causal, is_causal=True)",
    "attended(layer(4, 2), x, x, x, attn_mask=causal, is_causal=True, key_padding_mask=padding[:, :3])",
    "layer(4, 2)(x, y, z, None, False, hidden, True, False)",
    "layer(4, 2)(x, y, z, padding, True, hidden)",
    "layer(4, 2).eval()(x, x, x)[0]",
    "layer(4, 2, 0.5).eval()(x, y, z)",
    "torch.isnan(layer(4, 2)(x, y, z, torch.ones(2, 5) > 0)[0])",
    "layer(4, 2)(x[:0], y, z)",
    "layer(4, 2)(x[:, :0], y[:, :0], z[:, :0])",
    "layer(4, 2)(x, x, x, is_causal=True)",
    "layer(4, 2)(x, y, z[:4])",
    "layer(4, 2)(x, y[:, :1], z[:, :1])",
    "layer(4, 2)(x, y, z, attn_mask=hidden[:2])",
    "layer(4, 2)(x, y, z, key_padding_mask=padding[:1])",
    "layer(4, 2)(x, y, z, attn_mask=hidden.long())",
    "layer(4, 2)(x, y, z[:, 0])",
    "layer(4, 2)(x[0, 0], y[0, 0], z[0, 0])",
    "layer(4, 2)(wide, wide, wide)",
    "layer(4, 2)(x.float(), y.float(), z.float())",
    "nn.MultiheadAttention(4, 3)",
    "nn.MultiheadAttention(0, 1)",
    "function(layer(4, 2), x, y, z)",
    "function(layer(4, 2), x, y, z, static_k=heads_mask[:, :, :2], static_v=heads_mask[:, :, 2:4])",
    "function(layer(4, 2), x, y, z, static_k=heads_mask)",
    "function(layer(4, 2), x, y, z, training=False, need_weights=False, attn_mask=hidden)",
    *(f"names(4, 2{o})" for o in _OPTIONS),
    "names(6, 3, 0.1, False, True, True, 5, 6, True)",
    "nn.MultiheadAttention(4, 2).in_proj_bias, nn.MultiheadAttention(4, 2).out_proj.bias",
    "nn.MultiheadAttention(4, 2).head_dim, nn.MultiheadAttention(4, 2).kdim, nn.MultiheadAttention(4, 2, 0.3).dropout",
]
