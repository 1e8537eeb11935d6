"""Recurrent networks: cells, layers, directions, projections, packed sequences, names of the state."""

__all__ = ["CALLS", "START"]

START = """
R = nn.utils.rnn

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

def tensors(value):
    if isinstance(value, torch.Tensor):
        return [value]
    return [t for v in value if v is not None for t in tensors(v)]

def ran(module, x, *state):
    # outputs, first gradients of a weighted sum, and second gradients
    module = filled(module)
    x, state = x.clone().requires_grad_(), [s.clone().requires_grad_() for s in state]
    outputs = tensors(module(x, tuple(state) if len(state) > 1 else state[0]) if state else module(x))
    loss = sum((y * (torch.arange(y.numel(), dtype=y.dtype).reshape(y.shape) * 0.25 - 1)).sum() for y in outputs)
    parameters = [p for _, p in sorted(module.named_parameters())]
    first = torch.autograd.grad(loss, [x, *state, *parameters], create_graph=True)
    second = torch.autograd.grad(sum((g * g).sum() for g in first), [x, *state])
    return outputs, first, second

def packed(module, lengths, *state):
    module = filled(module)
    data = x.clone().requires_grad_()
    states = [s.clone().requires_grad_() for s in state]
    p = R.pack_padded_sequence(data, lengths, enforce_sorted=False)
    y, last = module(p, (tuple(states) if len(states) > 1 else states[0]) if states else None)
    padded, n = R.pad_packed_sequence(y)
    loss = (padded ** 2).sum() + sum((s * s).sum() for s in tensors(last))
    grads = torch.autograd.grad(loss, [data, *states, *[q for _, q in sorted(module.named_parameters())]])
    return padded, n, last, tensors(y), grads

def names(module):
    return str(module), [[n, list(p.shape)] for n, p in module.state_dict().items()]

def looped(cell, parts):
    cell, state, found = filled(cell), None, []
    data = x.clone().requires_grad_()
    for t in range(3):
        state = cell(data[t], state)
        found.append(state)
    return found, torch.autograd.grad(sum((s ** 2).sum() for s in tensors(found)), [data, *cell.parameters()])

class ConvLSTM(nn.Module):
    # the pictures of a film, one after another, as programs for weather and video do it
    def __init__(self, channels, hidden):
        super().__init__()
        self.hidden = hidden
        self.gates = nn.Conv2d(channels + hidden, 4 * hidden, 3, padding=1)
    def forward(self, film, state=None):
        n, _, _, rows, columns = film.shape
        if state is None:
            state = (film.new_zeros(n, self.hidden, rows, columns),) * 2
        h, c = state
        outputs = []
        for picture in film.unbind(1):
            i, f, o, g = self.gates(torch.cat([picture, h], dim=1)).chunk(4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            outputs.append(h)
        return torch.stack(outputs, dim=1), (h, c)

x = new((4, 3, 2))
h, c, wide = new((1, 3, 3), 1), new((1, 3, 3), 2), new((1, 3, 2), 3)
h4, c4, p4 = new((4, 3, 3), 1), new((4, 3, 3), 2), new((4, 3, 2), 3)
def looped_over_pictures(lstm):
    # features of a small network for each picture, then an LSTM, then a class for the film
    features = filled(nn.Sequential(nn.Conv2d(1, 2, 3, 2, 1), nn.ReLU(), nn.Flatten()))
    lstm, film = filled(lstm), new((2, 3, 1, 4, 4))
    steps = features(film.flatten(0, 1)).unflatten(0, (2, 3))
    outputs, (last, _) = lstm(steps)
    loss = F.cross_entropy(outputs[:, -1], torch.tensor([0, 2]))
    return outputs, last, loss, torch.autograd.grad(loss, [*features.parameters(), *lstm.parameters()])

one, two, three = new((4, 2)), new((2, 2), 1), new((3, 2), 2)
whole = torch.arange(5)
"""

_MODES = (
    ("RNN(2, 3{})", "h", "h4"),
    ("RNN(2, 3, nonlinearity='relu'{})", "h", "h4"),
    ("LSTM(2, 3{})", "h, c", "h4, c4"),
    ("LSTM(2, 3, proj_size=2{})", "wide, c", "p4, c4"),
    ("GRU(2, 3{})", "h", "h4"),
)

CALLS = [
    *(f"ran(nn.{m.format('')}, x)" for m, *_ in _MODES),
    *(f"ran(nn.{m.format('')}, x, {state})" for m, state, _ in _MODES),
    *(f"ran(nn.{m.format(', num_layers=2, bidirectional=True')}, x, {state})" for m, _, state in _MODES),
    *(f"ran(nn.{m.format(', bias=False, batch_first=True')}, x)" for m, *_ in _MODES),
    *(f"ran(nn.{m.format(', bidirectional=True')}, x[:, 0])" for m, *_ in _MODES),
    "ran(nn.GRU(2, 3), x[:, 0], h[:, 0])",
    "ran(nn.LSTM(2, 3), x[:1])",
    "ran(nn.LSTM(2, 3, 3, False, True, 0.0, True, 1), x)",
    *(f"packed(nn.{m.format('')}, [4, 4, 4], {state})" for m, state, _ in _MODES),
    *(f"packed(nn.{m.format('')}, [2, 4, 1])" for m, *_ in _MODES),
    *(f"packed(nn.{m.format(', num_layers=2, bidirectional=True')}, [1, 3, 2], {state})" for m, _, state in _MODES),
    *(f"names(nn.{m.format('')})" for m, *_ in _MODES),
    "names(nn.LSTM(3, 4, 2, True, True, 0.5, True, 2))",
    "names(nn.GRU(3, 4, num_layers=2, bias=False, bidirectional=True))",
    "names(nn.RNN(3, 4, 2, 'relu', False, True, 0.25, True))",
    "names(nn.RNNBase('LSTM', 3, 4))",
    "[[m.mode, m.input_size, m.hidden_size, m.num_layers, m.bias, m.batch_first, m.dropout, m.bidirectional, "
    "m.proj_size, m.flatten_parameters()] for m in (nn.LSTM(3, 4), nn.RNN(2, 3, 2, 'relu', dropout=0.5))]",
    "[list(w.shape) for ws in nn.LSTM(3, 4, 2, bidirectional=True, proj_size=1).all_weights for w in ws]",
    "nn.RNN(2, 3).nonlinearity, nn.RNN(2, 3, nonlinearity='relu').nonlinearity",
    "bool(nn.LSTM(3, 16).weight_ih_l0.abs().max() <= 0.25), bool(nn.LSTM(3, 16).weight_ih_l0.abs().max() > 0.2)",
    "[list(t.shape) for t in tensors(nn.LSTM(2, 3, dropout=0.5, num_layers=2)(x.float()))]",
    "filled(nn.GRU(2, 3, 2, dropout=0.5)).eval()(x)",
    "filled(nn.LSTM(2, 3))(x, (h.expand(1, 3, 3), c))[0]",
    "[list(t.shape) for t in tensors(nn.GRU(2, 3)(x[:, :0].float()))]",
    # cells
    "looped(nn.RNNCell(2, 3), 1)",
    "looped(nn.RNNCell(2, 3, False, 'relu'), 1)",
    "looped(nn.LSTMCell(2, 3), 2)",
    "looped(nn.LSTMCell(2, 3, bias=False), 2)",
    "looped(nn.GRUCell(2, 3), 1)",
    "ran(nn.RNNCell(2, 3), x[0], h[0])",
    "ran(nn.LSTMCell(2, 3), x[0], h[0], c[0])",
    "ran(nn.GRUCell(2, 3), x[0], h[0])",
    "ran(nn.GRUCell(2, 3), x[0, 0], h[0, 0])",
    "ran(nn.LSTMCell(2, 3), x[0, 0])",
    "[names(m) for m in (nn.RNNCell(2, 3), nn.RNNCell(2, 3, False, 'relu'), nn.LSTMCell(2, 3))]",
    "names(nn.GRUCell(2, 3, False)), names(nn.RNNCellBase(2, 3, True, 5)), names(nn.RNNCellBase(2, 3, False, 1))",
    "ran(ConvLSTM(2, 2), new((1, 3, 2, 2, 3)))",
    "ran(ConvLSTM(1, 2), new((2, 2, 1, 3, 2)), new((2, 2, 3, 2), 1), new((2, 2, 3, 2), 2))",
    "looped_over_pictures(nn.LSTM(8, 3, batch_first=True))",
    # packed sequences
    "R.pack_padded_sequence(x, [4, 2, 1])",
    "R.pack_padded_sequence(x, torch.tensor([4, 4, 1]))",
    "R.pack_padded_sequence(x, [1, 4, 2], enforce_sorted=False)",
    "R.pack_padded_sequence(x, [3, 3, 3, 1], True)",
    "R.pack_padded_sequence(whole.reshape(5, 1), [3])",
    "[R.pad_packed_sequence(R.pack_padded_sequence(x, [1, 4, 2], False, False), b, v, n) "
    "for b, v, n in ((False, 0.0, None), (True, -1.0, None), (False, 0.5, 6))]",
    "R.pad_packed_sequence(R.pack_padded_sequence(x, [3, 2, 2]), total_length=3)",
    "R.pad_packed_sequence(R.pack_padded_sequence(x, [3, 2, 2]), total_length=2)",
    "[gradients(R.pack_padded_sequence(w, [2, 4, 1], enforce_sorted=False).data ** 3, w) "
    "for w in [x.clone().requires_grad_()]]",
    "R.pad_sequence([two, one, three])",
    "R.pad_sequence([two, one, three], True, 7.0)",
    "R.pad_sequence([two, one, three], padding_side='left')",
    "R.pad_sequence([whole, whole[:2]]), R.pad_sequence((whole[:0], whole[1:2]), True, 2), R.pad_sequence(x)",
    "R.pad_sequence([whole[:2], whole[:1]], padding_value=1.5)",
    "R.pad_sequence([]), 1",
    "R.pad_sequence([two], padding_side='middle')",
    "R.pad_sequence([torch.tensor(1.0), torch.tensor([1.0])])",
    "R.pack_sequence([one, three, two])",
    "R.pack_sequence([two, one, three], enforce_sorted=False)",
    "R.pack_sequence([two, one, three])",
    "R.unpack_sequence(R.pack_sequence([two, one, three], False))",
    "R.unpad_sequence(x.clone(), torch.tensor([2, 4, 1]))",  # PyTorch's function changes the shape of its input
    "R.unpad_sequence(x, torch.tensor([2, 1, 1, 3]), True)",
    "R.PackedSequence(one, torch.tensor([2, 2])), R.PackedSequence((one, torch.tensor([2, 2])))",
    "R.PackedSequence(one, torch.tensor([2, 2]), torch.tensor([1, 0]))",
    "[[p.double().data, p.to(torch.float32).data, p.long().data, p.is_cuda, p._fields, p.int().data, p.half().data, "
    "p.cpu()] for p in [R.pack_padded_sequence(x, [1, 4, 2], False, False)]]",
    "R.invert_permutation(torch.tensor([2, 0, 1])), R.invert_permutation(None)",
    "R.pack_padded_sequence(x, [2, 4, 1])",
    "R.pack_padded_sequence(x, [4, 2, 0])",
    "R.pack_padded_sequence(x, [4, 2])",
    "R.pack_padded_sequence(x, [[4, 2, 1]])",
    # errors
    "nn.LSTM(2, 0)",
    "nn.LSTM(2, 3, 0)",
    "nn.GRU(2, 3, dropout=1.5)",
    "nn.RNN(2, 3, nonlinearity='sigmoid')",
    "nn.GRU(2, 3, proj_size=2)",
    "nn.LSTM(2, 3, proj_size=3)",
    "nn.RNNBase('QRNN', 2, 3)",
    "nn.GRU(2)",
    "nn.LSTM(2, 3)(x.float(), h.float())",
    "nn.LSTM(2, 3)(x.float(), (h.float(), c.float()[:, :1]))",
    "nn.LSTM(2, 3)(x.float()[:, 0], (h.float(), c.float()))",
    "nn.GRU(2, 3)(x.float(), h.float()[0])",
    "nn.GRU(2, 3)(x)",
    "nn.GRU(2, 3)(x.float()[..., :1])",
    "nn.GRU(2, 3)(x.float()[:0])",
    "nn.GRU(2, 3)(x.float()[0, 0])",
    "nn.RNNCell(2, 3)(x.float())",
    "nn.RNNCell(2, 3)(x.float()[0, :, :1])",
    "nn.GRUCell(2, 3)(x.float()[0], h.float()[0, :1])",
    "nn.GRUCell(2, 3)(x.float()[0], h.float()[0, :, :1])",
    "nn.LSTMCell(2, 3)(x.float()[0], (h.float()[0, 0], c.float()[0, 0]))",
]
