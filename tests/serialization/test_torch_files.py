"""Tests of reading PyTorch's files: a file of PyTorch itself, and hostile ones, of which nothing may be executed."""

import contextlib
import io
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minicnn as mc
from minicnn import nn, optim
from minicnn.errors import CheckpointError, DeviceError

FILE = Path(__file__).parents[1] / "oracles" / "torch_file.pth"


@pytest.fixture(scope="module")
def found():
    return mc.load(FILE)


def test_a_state_dict_of_pytorch_fits_a_model(found):
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    assert type(found["net"]) is OrderedDict
    net.load_state_dict(found["net"])
    assert net[0].weight[0, 0, 0, 0].item() == pytest.approx(0.4)
    assert net[1].running_var.tolist() == [1, 1]
    optimizer = optim.Adam(net.parameters(), lr=1.0)
    optimizer.load_state_dict(found["optimizer"])
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert optimizer.state[net[0].bias]["step"] == 1
    np.testing.assert_allclose(optimizer.state[net[0].bias]["exp_avg"].tolist(), [0.1, 0.1], rtol=1e-6)


def test_plain_values(found):
    assert found["plain"] == [1, 2.5, None, True, "é", 2**40, -5, (1, 2), {1, 2}, b"ab"]
    assert found["number"] == 0.25
    assert found["ordered"] == OrderedDict(a=1)
    assert found[3] == "a key"
    assert found["complex type"] is mc.complex64
    assert found["complex number"] == 1.5 - 2j
    assert found["types"] == (mc.float32, mc.int64, mc.bool)
    assert (type(found["size"]), found["size"]) == (mc.Size, (1, 2))
    assert found["device"] == mc.device.named("cpu")


def test_tensors_of_every_type(found):
    expected = {
        "half": (mc.float32, [1.0, -0.5]),
        "bfloat16": (mc.float32, [1.5, -2.25]),
        "double": (mc.float64, [0.1]),
        "int8": (mc.int8, [-3]),
        "int16": (mc.int16, [-300]),
        "int32": (mc.int32, [70000]),
        "uint8": (mc.uint8, [200]),
        "complex": (mc.complex64, [1 + 2j]),
        "conjugate": (mc.complex128, [1 - 2j]),
        "imaginary": (mc.float32, [-2.0]),
        "bool": (mc.bool, [True, False]),
        "scalar": (mc.float32, 2.5),
        "view": (mc.float32, [[2, 5], [3, 6], [4, 7]]),
        "expanded": (mc.float32, [1, 1, 1]),
    }
    for name, (dtype, values) in expected.items():
        assert (found[name].dtype, found[name].tolist()) == (dtype, values), name
    assert found["empty"].shape == (0, 3)
    assert (type(found["parameter"]), found["parameter"].requires_grad) == (nn.Parameter, True)
    assert (type(found["leaf"]), found["leaf"].requires_grad) == (mc.Tensor, True)
    assert not found["base"].requires_grad


def test_tensors_that_share_a_storage_share_it_again():
    values = mc.load(FILE)
    values["view"][0, 0] = 100
    assert values["base"][2].item() == 100


def test_the_device_of_all_tensors():
    assert mc.load(FILE, "cpu")["base"].device == mc.device.named("cpu")
    moved = mc.load(FILE, map_location="cudasim")
    assert moved["base"].device == mc.device.named("cudasim")
    assert moved["view"].cpu().tolist() == [[2, 5], [3, 6], [4, 7]]
    assert mc.load(FILE, map_location=lambda storage, location: storage)["base"].device == mc.device.named("cpu")
    with pytest.raises(DeviceError, match="there is no device 'tpu'"):
        mc.load(FILE, "tpu")


# --- hostile files --------------------------------------------------------------------------------------------


def archive(program, **parts):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", parts.pop("compression", zipfile.ZIP_STORED)) as target:
        if program is not None:
            target.writestr("a/data.pkl", program)
        for name, data in parts.items():
            target.writestr(f"a/{name.replace('_', '/', 1)}", data)
    return io.BytesIO(file.getvalue())


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def tensor(offset=0, size=(2,), strides=(1,), count=2, kind="FloatStorage", key="0"):
    """Return the program of a tensor of a storage."""

    def numbers(values):
        return b"(" + b"".join(b"J" + struct.pack("<i", v) for v in values) + b"t"

    storage = text("storage") + b"ctorch\n" + kind.encode() + b"\n" + text(key) + text("cpu") + b"K" + bytes([count])
    return (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((" + storage + b"tQ"
        b"J" + struct.pack("<i", offset) + numbers(size) + numbers(strides) + b"\x89ccollections\nOrderedDict\n)RtR."
    )


DATA = np.array([1, 2], np.float32).tobytes()


def test_the_programs_of_these_tests_are_read():
    assert mc.load(archive(tensor(), data_0=DATA)).tolist() == [1, 2]
    assert mc.load(archive(tensor(1, (3, 1), (0, 1)), data_0=DATA)).tolist() == [[2], [2], [2]]
    assert mc.load(archive(b"\x80\x02}.")) == {}


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (b"\x80\x02cos\nsystem\n" + text("true") + b"\x85R.", "refused: it wants to call os.system; save the state"),
        (b"\x80\x02cbuiltins\neval\n" + text("1") + b"\x85R.", "it wants to call builtins.eval"),
        (b"\x80\x02ctorch\nload\n" + text("x") + b"\x85R.", "it wants to call torch.load"),
        (b"\x80\x02cos\nsystem\n.", "it holds os.system"),
        (b"\x80\x02cos\nsystem\n\x85.", "it holds os.system"),
        (b"\x80\x02]cos\nsystem\na.", "it holds os.system"),
        (b"\x80\x02}" + text("a") + b"cos\nsystem\ns.", "it holds os.system"),
        (b"\x80\x02cargparse\nNamespace\n)\x81}b.", "it holds an object of argparse.Namespace"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.", "it wants to call os.system"),
        (b"\x80\x02}}b.", "it sets attributes of a dict"),
        (b"\x80\x02ios\nsystem\n.", r"it has the instruction b'i'"),
        (b"\x80\x02}]N\x86Ns.", "it has a key that is neither text nor number"),
        (b"\x80\x02cos\nsystem\nQ.", "is damaged"),
        (b"\x80\x02(" + text("storage") + b"cos\nsystem\n" + text("0") + text("cpu") + b"K\x01tQ.", "holds os.system"),
        (tensor(kind="QUInt8Storage"), "it holds numbers of torch.QUInt8Storage"),
        (tensor(size=(3,)), "a tensor reads element 2 of a storage with 2"),
        (tensor(offset=1), "a tensor reads element 2 of a storage with 2"),
        (tensor(offset=-1), "a tensor with offset -1"),
        (tensor(strides=(-1,)), "a tensor with offset 0"),
        (tensor(strides=(1, 1)), "a tensor without storage"),
        (tensor(count=3), "storage 0 has 8 bytes, not 3 numbers"),
        (tensor(key="7"), "is damaged"),
        (tensor(key="../data.pkl"), "is damaged"),
        (tensor(size=(2**31 - 1,) * 3, strides=(0, 0, 0)), "is damaged"),
        (b"", "ends too early"),
        (b"\x80\x02X\xff\xff\xff\xff", "ends too early"),
        (b"\x80\x02e.", "there is no mark"),
        (b"\x80\x02\x86.", "the stack is empty"),
        (b"\x80\x02(.", "a mark is no value"),
        (b"\x80\x02h\x05.", "is damaged"),
    ],
)
def test_hostile_programs(program, message):
    with pytest.raises(CheckpointError, match=message):
        mc.load(archive(program, data_0=DATA))


def test_hostile_archives(tmp_path):
    for file, message in (
        (archive(None), "it holds no data.pkl"),
        (archive(tensor(), data_0=DATA, compression=zipfile.ZIP_DEFLATED), "its parts are compressed"),
        (archive(tensor(), data_0=DATA, byteorder=b"big"), "another byte order"),
        (io.BytesIO(archive(tensor(), data_0=DATA).getvalue()[:-30]), "is damaged"),
        (io.BytesIO(b"\x80\x02cos\nsystem\n"), "is a pickle, for example of PyTorch 1.5, and only PyTorch reads it"),
    ):
        with pytest.raises(CheckpointError, match=message):
            mc.load(file)


with zipfile.ZipFile(FILE) as _archive:
    PARTS = {name: _archive.read(name) for name in _archive.namelist()}
NAME = next(name for name in PARTS if name.endswith("data.pkl"))
BYTES = st.sampled_from([bytes([b]) for b in range(256)])


@given(
    changes=st.lists(st.tuples(st.integers(0, len(PARTS[NAME]) - 1), BYTES), min_size=1, max_size=6),
    end=st.none() | st.integers(0, len(PARTS[NAME])),
)
@settings(max_examples=200, deadline=None)
def test_a_changed_program_gives_a_value_or_an_error(changes, end):
    program = bytearray(PARTS[NAME])
    for place, byte in changes:
        program[place : place + 1] = byte
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        for name, data in PARTS.items():
            target.writestr(name, bytes(program[:end]) if name == NAME else data)
    with contextlib.suppress(CheckpointError):
        mc.load(io.BytesIO(file.getvalue()))


@given(st.lists(BYTES | st.sampled_from([b"cos\nsystem\n", b"K\x01", text("a")]), max_size=30))
@settings(max_examples=200, deadline=None)
def test_a_random_program_gives_a_value_or_an_error(parts):
    with contextlib.suppress(CheckpointError):
        mc.load(archive(b"".join(parts) + b".", data_0=DATA))
