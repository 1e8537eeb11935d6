"""Transformers: masks, both orders of the norms, activations, layouts, names of the state."""

__all__ = ["CALLS", "START"]

START = """
def new(shape, seed=0):
    n = 1
    for s in shape:
        n *= s
    values = [((7 * i + 3 + seed) * (i + 5 + 2 * seed) % 23) / 12 - 0.9 for i in range(n)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape)

def filled(module):
    module = module.double()
    for i, (_, p) in enumerate(sorted(module.named_parameters())):
        p.data = new(tuple(p.shape), i) * 0.5
    return module

def ran(module, *inputs, **options):
    inputs = [t.clone().requires_grad_() for t in inputs]
    y = filled(module)(*inputs, **options)
    weights = torch.arange(y.numel(), dtype=y.dtype).reshape(y.shape) * 0.25 - 1
    parameters = [p for n, p in sorted(module.named_parameters()) if "norm" in n or "out_proj" in n or "bias" in n]
    return y, torch.autograd.grad((y * weights).sum(), [*inputs, *parameters], allow_unused=True)

def names(module):
    return [[n, list(p.shape)] for n, p in module.state_dict().items()]

def encoder(*args, **options):
    return nn.TransformerEncoderLayer(4, 2, 5, *args, **{**options, "dropout": 0.0})

def decoder(*args, **options):
    return nn.TransformerDecoderLayer(4, 2, 5, *args, **{**options, "dropout": 0.0})

def whole(**options):
    return nn.Transformer(4, 2, 2, 1, 5, 0.0, **options)

x, y = new((3, 2, 4)), new((5, 2, 4), 1)
bx, by = new((2, 3, 4)), new((2, 5, 4), 1)
causal = nn.Transformer.generate_square_subsequent_mask(3, dtype=torch.float64)
hidden = torch.tensor([[False, True, False, False, True], [False] * 4 + [True], [False] * 5])
padding_x = torch.tensor([[False, False, True], [False, False, False]])
padding_y = torch.tensor([[False, False, True, False, True], [True, False, False, False, False]])
masks = {
    "tgt_mask": causal, "memory_mask": hidden, "tgt_key_padding_mask": padding_x, "memory_key_padding_mask": padding_y
}

class Doubled(nn.TransformerEncoderLayer):
    def _ff_block(self, x):
        return 2 * super()._ff_block(x)
"""

_LAYERS = ("", "norm_first=True", "activation='gelu'", "activation=nn.SiLU()", "bias=False", "layer_norm_eps=0.1")

CALLS = [
    *(f"ran(encoder({o}), x)" for o in _LAYERS),
    *(f"ran(decoder({o}), x, y)" for o in _LAYERS),
    "ran(encoder(batch_first=True), bx)",
    "ran(encoder(norm_first=True), x[:, 0])",
    "ran(encoder(), x, src_mask=causal)",
    "ran(encoder(), x, src_mask=causal, is_causal=True)",
    "ran(encoder(), x, src_mask=causal, src_key_padding_mask=padding_x)",
    "ran(encoder(), x, src_mask=causal.isinf(), src_key_padding_mask=padding_x, is_causal=True)",
    "ran(encoder(), x, is_causal=True)",
    "ran(decoder(batch_first=True), bx, by)",
    "ran(decoder(), x, y, **masks)",
    "ran(decoder(), x, y, tgt_mask=causal, tgt_is_causal=True)",
    "ran(decoder(norm_first=True), x, y, memory_mask=hidden, memory_key_padding_mask=padding_y)",
    "ran(decoder(), x[:, 0], y[:, 0])",
    "ran(nn.TransformerEncoder(encoder(), 2), x)",
    "ran(nn.TransformerEncoder(encoder(), 2, nn.LayerNorm(4)), x, mask=causal, src_key_padding_mask=padding_x)",
    "ran(nn.TransformerEncoder(encoder(), 1, None, False, False), x, mask=causal, is_causal=True)",
    "ran(nn.TransformerDecoder(decoder(), 2), x, y)",
    "ran(nn.TransformerDecoder(decoder(), 2, nn.LayerNorm(4)), x, y, **masks)",
    "ran(nn.TransformerDecoder(decoder(), 1), x, y, tgt_mask=causal, tgt_is_causal=True)",
    "ran(whole(), y, x)",
    "ran(whole(norm_first=True, activation='gelu'), y, x, tgt_mask=causal, src_key_padding_mask=padding_y)",
    "ran(whole(batch_first=True), by, bx, tgt_mask=causal, tgt_is_causal=True, memory_mask=hidden)",
    "ran(whole(), y[:, 0], x[:, 0])",
    "ran(whole(custom_encoder=nn.TransformerEncoder(encoder(), 1)), y, x)",
    "ran(Doubled(4, 2, 5, 0.0), x)",
    "filled(nn.TransformerEncoderLayer(4, 2, 5, 0.5)).eval()(x)",
    "filled(nn.TransformerDecoderLayer(4, 2, 5, 0.5)).eval()(x, y)",
    "names(encoder()), names(encoder(bias=False)), names(encoder(activation=nn.PReLU()))",
    "names(decoder())",
    "names(nn.TransformerEncoder(encoder(), 2, nn.LayerNorm(4)))",
    "names(nn.TransformerDecoder(decoder(), 2))",
    "names(whole())",
    "[[a.self_attn.in_proj_weight is b.self_attn.in_proj_weight, bool((a.linear1.weight == b.linear1.weight).all())] "
    "for a, b in [nn.TransformerEncoder(encoder(), 2).layers]]",
    "nn.Transformer.generate_square_subsequent_mask(3), causal, nn.Transformer.generate_square_subsequent_mask(0)",
    "[[m.d_model, m.nhead, m.batch_first, len(m.encoder.layers), m.decoder.num_layers] for m in [whole()]]",
    "encoder(activation='tanh')",
    "decoder(activation='silu')",
    "nn.TransformerEncoderLayer(5, 2)",
    "whole()(y.float(), x[:, :1].float())",
    "whole()(y.float()[..., :3], x.float())",
    "whole(batch_first=True)(x.float(), y.float())",
    "encoder()(x)",
    "filled(encoder())(x, causal, padding_x, False)",
    "filled(decoder())(x, y, causal, hidden, padding_x, padding_y, True, False)",
    "filled(nn.TransformerDecoder(decoder(), 1))(x, y, causal, hidden, padding_x, padding_y, True, False)",
    "filled(whole())(y, x, None, causal, hidden.T.T, padding_y, padding_x, padding_y, None, True, False)",
]
