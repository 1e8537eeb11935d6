"""Padded and packed sequences beside what PyTorch recorded (tests/oracles/calls/recurrent.py)."""

import pickle

import pytest

import minicnn
from minicnn.errors import ArgumentError, ShapeError
from minicnn.nn.utils import rnn


def test_packing_and_unpacking_give_the_sequences_back():
    sequences = [minicnn.rand(n, 2, 3) for n in (3, 1, 4)]
    back = rnn.unpack_sequence(rnn.pack_sequence(sequences, enforce_sorted=False))
    assert all(minicnn.equal(a, b) for a, b in zip(sequences, back, strict=True))


def test_the_order_moves_with_the_data():
    packed = rnn.pack_sequence([minicnn.ones(1, 2), minicnn.ones(2, 2)], enforce_sorted=False).to("cudasim")
    assert packed.data.device.name == packed.sorted_indices.device.name == "cudasim"
    assert packed.batch_sizes.device.name == "cpu"
    padded, lengths = rnn.pad_packed_sequence(packed)
    assert (padded.device.name, lengths.tolist()) == ("cudasim", [1, 2])


def test_a_copy_for_another_process_is_a_packed_sequence():
    packed = pickle.loads(pickle.dumps(rnn.pack_sequence([minicnn.ones(2), minicnn.ones(1)])))
    assert isinstance(packed, rnn.PackedSequence)
    assert packed.batch_sizes.tolist() == [2, 1]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: rnn.pack_padded_sequence(x, [2]), ShapeError, r"one number for each sequence of the input \(3, 2\)"),
        (lambda x: rnn.pack_padded_sequence(x, [3, 0]), ShapeError, r"lengths must be from 1 to 3, got \[3, 0\]"),
        (lambda x: rnn.pack_padded_sequence(x, [4, 1]), ShapeError, r"lengths must be from 1 to 3, got \[4, 1\]"),
        (lambda x: rnn.pack_padded_sequence(x, [1, 3]), ShapeError, "must fall, got .*; sort, or pass enforce_sorted"),
        (lambda x: rnn.pad_sequence([]), ShapeError, "pad_sequence: give sequences of at least one axis"),
        (lambda x: rnn.pad_sequence([x, x[:, :1]]), ShapeError, r"got \[\(3, 2\), \(3, 1\)\]"),
        (lambda x: rnn.pad_sequence([x], padding_side="up"), ArgumentError, "'right' or 'left', got 'up'"),
        (
            lambda x: rnn.pad_packed_sequence(rnn.pack_padded_sequence(x, [3, 1]), total_length=2),
            ShapeError,
            "total_length=2 must be at least the longest, 3",
        ),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call(minicnn.ones(3, 2))
