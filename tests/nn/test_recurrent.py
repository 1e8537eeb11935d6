"""Recurrent networks beside what PyTorch recorded (tests/oracles/calls/recurrent.py)."""

import pytest

import minicnn
from minicnn import nn
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.nn.utils import rnn


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_gradients_to_second_order(kind):
    minicnn.manual_seed(0)
    model = kind(2, 3, bidirectional=True, dtype=minicnn.float64)
    x = minicnn.randn(3, 2, 2, dtype=minicnn.float64, requires_grad=True)
    assert gradcheck(lambda x: model(x)[0], (x,))
    assert gradgradcheck(lambda x: model(x)[0], (x,))


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_each_packed_sequence_gets_what_it_gets_alone(kind):
    minicnn.manual_seed(0)
    model = kind(2, 3, num_layers=2, bidirectional=True)
    sequences = [minicnn.randn(n, 2) for n in (2, 5, 1, 3)]
    outputs = rnn.unpack_sequence(model(rnn.pack_sequence(sequences, enforce_sorted=False))[0])
    for sequence, output in zip(sequences, outputs, strict=True):
        assert minicnn.allclose(model(sequence)[0], output, atol=1e-6)


def test_dropout_acts_between_layers_in_training():
    model = nn.GRU(2, 8, num_layers=2, dropout=0.5)
    x = minicnn.ones(3, 1, 2)
    assert not minicnn.equal(model(x)[0], model(x)[0])
    model.eval()
    assert minicnn.equal(model(x)[0], model(x)[0])
    with pytest.warns(UserWarning, match="dropout=0.5 has no effect, because it acts between layers"):
        nn.LSTM(2, 3, dropout=0.5)


def test_a_network_learns_to_remember():
    """The last output is the first number of the sequence."""
    minicnn.manual_seed(0)
    model, read = nn.LSTM(1, 8, batch_first=True), nn.Linear(8, 1)
    optimizer = minicnn.optim.Adam([*model.parameters(), *read.parameters()], lr=0.03)
    for _ in range(250):
        x = minicnn.rand(16, 4, 1)
        loss = (read(model(x)[0][:, -1]) - x[:, 0]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.01  # the variance of the answers is 0.083


def test_it_runs_on_a_device():
    model = nn.LSTM(2, 3, device="cudasim")
    y, (h, c) = model(minicnn.ones(2, 1, 2, device="cudasim"))
    assert y.device.name == h.device.name == c.device.name == "cudasim"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.LSTM(2, 0), ShapeError, "LSTM: hidden_size must be an integer >= 1, got 0"),
        (lambda: nn.LSTM(2, 3, proj_size=3), ShapeError, "LSTM: proj_size must be from 0 to 2, got 3"),
        (lambda: nn.RNN(2, 3, nonlinearity="x"), ArgumentError, "RNN: nonlinearity must be 'tanh' or 'relu', got 'x'"),
        (lambda: nn.RNNCell(2, 3, True, "x"), ArgumentError, "RNNCell: nonlinearity must be 'tanh' or 'relu'"),
        (lambda: nn.RNNBase("x", 2, 3), ArgumentError, "RNNBase: mode must be one of RNN_TANH, RNN_RELU, LSTM, GRU"),
        (lambda: nn.RNNBase("GRU", 2, 3, proj_size=1), ArgumentError, "RNNBase: only LSTM has proj_size"),
        (lambda: nn.GRU(2, 3)(minicnn.ones(1, 1, 3)), ShapeError, "GRU: input must have 2 features, got 3"),
        (lambda: nn.GRU(2, 3)(minicnn.ones(2)), ShapeError, r"GRU: input must have 2 or 3 axes, got \(2,\)"),
        (lambda: nn.GRU(2, 3)(minicnn.ones(0, 1, 2)), ShapeError, "GRU: there must be at least one step"),
        (lambda: nn.GRU(2, 3)(minicnn.ones(1, 1, 2).double()), DTypeError, "GRU: the input is float64, the weight flo"),
        (
            lambda: nn.LSTM(2, 3)(minicnn.ones(1, 1, 2), minicnn.ones(1, 1, 3)),
            ShapeError,
            r"LSTM: the state must be \[\(1, 1, 3\), \(1, 1, 3\)\], got \[\(1, 3\)\]",
        ),
        (lambda: nn.GRUCell(2, 3)(minicnn.ones(1, 3)), ShapeError, r"GRUCell: input must be \(N, 2\) or \(2,\), got"),
        (lambda: nn.GRUCell(2, 3)(minicnn.ones(1, 2).double()), DTypeError, "GRUCell: the input is float64"),
        (
            lambda: nn.LSTMCell(2, 3)(minicnn.ones(1, 2), (minicnn.ones(1, 3), minicnn.ones(1, 4))),
            ShapeError,
            r"LSTMCell: the state must be 2 × \(1, 3\), got \[\(1, 3\), \(1, 4\)\]",
        ),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()
