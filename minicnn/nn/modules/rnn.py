"""PyTorch's address ``torch.nn.modules.rnn``."""

from minicnn.nn.recurrent import GRU, LSTM, RNN, RNNBase
from minicnn.nn.recurrent_cell import GRUCell, LSTMCell, RNNCell, RNNCellBase

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]
