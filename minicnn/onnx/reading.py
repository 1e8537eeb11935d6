"""`load`: an ONNX file becomes a module. The package onnx parses the file, and everything else is minicnn's."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from minicnn.autograd.tensor import Tensor
from minicnn.dtypes import float32, int64
from minicnn.errors import DataError, DTypeError, MiniCNNError
from minicnn.onnx import operators as _operators  # noqa: F401 (registers the operators)
from minicnn.onnx.graph import Graph, Node
from minicnn.onnx.model import OnnxModel
from minicnn.onnx.registry import find, operators
from minicnn.onnx.values import TYPES
from minicnn.ops.create import as_tensor, from_numpy
from minicnn.optional import import_optional

__all__ = ["load"]

STANDARD = ("", "ai.onnx")  # the two names of the domain of ONNX's own operators
NEWEST = 28  # the newest version of ONNX's operators of which the meaning is known
TYPE_ATTRIBUTES = ("to", "dtype", "output_datatype")  # hold the number of an element type


def load(f: Any, *, max_nodes: int = 100_000) -> OnnxModel:
    """Read an ONNX model and return it as a module that computes with minicnn's operations.

    Floating-point weights (initializers) become parameters. Integers become buffers, and so do the running statistics
    of batch norm, other settings of operators, and numbers without axes, which are constants of a formula. The names
    stay, so ``state_dict()`` of a model that PyTorch exported has PyTorch's names. Operators that minicnn does not
    have, but that ONNX defines by others, are replaced by these.

    Parameters
    ----------
    f : str, Path, bytes, a binary file, or an onnx.ModelProto
        Weights in files beside the model are read if `f` is a path.
    max_nodes : int
        A file whose functions, written out, have more nodes is refused.

    Returns
    -------
    OnnxModel

    Raises
    ------
    DataError
        If the file is missing or damaged, is newer than the newest known version of ONNX, has an operator or an element
        type that minicnn does not have, or is too large. Nothing has been computed then.
    DTypeError
        If `f` is none of these.
    MissingPackageError
        If the package onnx is not installed.

    Examples
    --------
    >>> from onnx import helper, TensorProto
    >>> x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy")
    >>> graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "example", [x], [y])
    >>> model = load(helper.make_model(graph))
    >>> import minicnn
    >>> model(minicnn.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    onnx = import_optional("onnx", call="onnx.load", package="onnx", extra="onnx")
    reader = _Reader(onnx, f, max_nodes)
    try:
        return reader.model()
    except MiniCNNError:
        raise
    except (ArithmeticError, LookupError, MemoryError, RecursionError, TypeError, ValueError) as error:
        raise DataError(f"onnx.load: {reader.where} is damaged ({type(error).__name__}: {error})") from error


class _Reader:
    """Reads one file; `where` names it in messages."""

    def __init__(self, onnx: Any, f: Any, max_nodes: int) -> None:
        self.onnx, self.max_nodes = onnx, max_nodes
        self.where = f"'{f}'" if isinstance(f, str | Path) else "the model"
        self.proto = self._checked(f)
        self.versions: dict[str, int] = {}
        self._read_versions()

    def _fail(self, problem: str) -> NoReturn:
        raise DataError(f"onnx.load: {self.where} {problem}")

    # --- parsing ------------------------------------------------------------------------------------------------

    def _checked(self, f: Any) -> Any:
        """Return the ModelProto, after ONNX has checked it."""
        if not isinstance(f, str | Path | bytes | self.onnx.ModelProto) and not hasattr(f, "read"):
            raise DTypeError(
                f"onnx.load: expected a path, bytes, a binary file or an onnx.ModelProto, got {type(f).__name__}"
            )
        if isinstance(f, str | Path) and not Path(f).is_file():
            self._fail("is not a file")
        try:
            if isinstance(f, self.onnx.ModelProto):
                proto = f
            elif isinstance(f, bytes):
                proto = self.onnx.load_model_from_string(f)
            else:
                proto = self.onnx.load(str(f) if isinstance(f, Path) else f)
            self.onnx.checker.check_model(proto)
        except Exception as error:  # protobuf, the checker and readers of external data have no common error
            first = str(error).strip().partition("\n")[0]
            raise DataError(f"onnx.load: {self.where} is not a valid ONNX model: {first}") from error
        return proto

    def _read_versions(self) -> None:
        self.versions = {"" if o.domain in STANDARD else o.domain: o.version for o in self.proto.opset_import}
        for domain, version in [(o.domain, o.version) for part in self._parts() for o in part.opset_import]:
            if domain in STANDARD and version > NEWEST:
                self._fail(f"has version {version} of ONNX's operators, and the newest known one is {NEWEST}")

    def _parts(self) -> list[Any]:
        """Return the file and its functions: what imports versions of operators."""
        return [self.proto, *self.proto.functions]

    def _check_expanded(self) -> None:
        """Refuse functions that call themselves, or that have too many nodes when each call becomes its nodes."""
        bodies = {(f.domain, f.name, f.overload): f.node for f in self.proto.functions}
        counts: dict[Any, int] = {}

        def count(nodes: Any, path: tuple[Any, ...]) -> int:
            total = 0
            for node in nodes:
                name = (node.domain, node.op_type, node.overload)
                if name in path:
                    self._fail(f"has the function {node.op_type!r}, which calls itself")
                if name in bodies and name not in counts:
                    counts[name] = count(bodies[name], (*path, name))
                inner = (a.g.node for a in node.attribute if a.HasField("g"))
                total += counts.get(name, 1) + sum(count(part, path) for part in inner)
            return total

        if (total := count(self.proto.graph.node, ())) > self.max_nodes:
            self._fail(f"has {total} nodes when its functions are expanded, more than max_nodes={self.max_nodes}")

    def _unknown(self, graph: Any) -> Iterator[Any]:
        """Yield the nodes whose operators minicnn does not have, also of the graphs in this one."""
        for node in graph.node:
            known = node.op_type == "Constant" or find(node.op_type, self.versions.get("", 0)) is not None
            if node.domain not in STANDARD or not known:
                yield node
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    yield from self._unknown(attribute.g)

    def _with_known_operators(self) -> None:
        """Replace functions of the file, and unknown operators that ONNX defines by others, by their bodies."""
        inliner = import_module("onnx.inliner")
        try:
            if self.proto.functions:
                self._check_expanded()
                self.proto = inliner.inline_local_functions(self.proto)
                self._read_versions()
            if any(self._unknown(self.proto.graph)):
                self._complete()
                known = [("", name) for name in operators() if find(name, self.versions.get("", 0)) is not None]
                self.proto = inliner.inline_selected_functions(self.proto, known, True, inline_schema_functions=True)
                self._read_versions()
        except MiniCNNError:
            raise
        except Exception as error:  # the inliner has no error class of its own
            raise DataError(f"onnx.load: {self.where} has functions that ONNX cannot expand: {error}") from error
        if unknown := sorted({f"{n.domain}.{n.op_type}".strip(".") for n in self._unknown(self.proto.graph)}):
            several = "the operators" if len(unknown) > 1 else "the operator"
            self._fail(f"has {several} {', '.join(unknown)}, which minicnn does not have")

    def _complete(self) -> None:
        """Write out what ONNX needs to expand operators: default attributes, and a type for inputs left out."""
        given, self.proto = self.proto, self.onnx.ModelProto()
        self.proto.CopyFrom(given)  # the user's model stays as it is
        self.proto.graph.value_info.add(name="")
        for node in self._unknown(self.proto.graph):
            version = self.versions.get("" if node.domain in STANDARD else node.domain, 0)
            if self.onnx.defs.has(node.op_type, version, node.domain):
                names = {attribute.name for attribute in node.attribute}
                schema = self.onnx.defs.get_schema(node.op_type, version, node.domain)
                missing = [attribute for name, attribute in schema.attributes.items() if name not in names]
                node.attribute.extend(a.default_value for a in missing if a.default_value.name)

    # --- the graph ----------------------------------------------------------------------------------------------

    def model(self) -> OnnxModel:
        self._check_types()
        self._with_known_operators()
        proto = self.proto.graph
        names = [value.name for value in proto.output]
        if len(set(names)) < len(names):
            self._fail(f"has the outputs {', '.join(names)}, of which one appears twice")
        weights = {tensor.name: self._tensor(tensor) for tensor in proto.initializer}
        return OnnxModel(self._graph(proto), weights, self._constants(proto))

    def _check_types(self) -> None:
        """Refuse inputs and outputs of other types than tensors that minicnn has."""
        for value in (*self.proto.graph.input, *self.proto.graph.output):
            kind = value.type.WhichOneof("value")
            if kind not in ("tensor_type", None):
                text = kind.removesuffix("_type")
                self._fail(f"has {value.name!r} of the kind {text}, and in minicnn all values are tensors")
            self._check_type(value.type.tensor_type.elem_type, value.name)

    def _check_type(self, number: int, name: str) -> None:
        if number and number not in TYPES:
            names = {value: name.lower() for name, value in self.onnx.TensorProto.DataType.items()}
            text = names.get(number, f"number {number}")
            self._fail(f"has {name!r} with the element type {text}, which minicnn does not have")

    def _tensor(self, proto: Any) -> Tensor:
        self._check_type(proto.data_type, proto.name)
        if proto.data_location == self.onnx.TensorProto.EXTERNAL:
            self._fail(f"has {proto.name!r} in another file; pass the path of the model")
        return from_numpy(np.array(self.onnx.numpy_helper.to_array(proto)))

    def _constants(self, proto: Any) -> dict[str, Tensor]:
        """Return the results of the nodes Constant."""
        found = {}
        for node in proto.node:
            if node.op_type == "Constant":
                (attribute,) = node.attribute
                value = self._attribute(node, attribute)
                if "string" in attribute.name:
                    self._fail("has a constant of text, and in minicnn all values are tensors of numbers")
                dtype = {"f": float32, "i": int64}.get(attribute.name.removeprefix("value_")[:1])
                found[node.output[0]] = value if isinstance(value, Tensor) else as_tensor(value, dtype)
        return found

    def _graph(self, proto: Any, constants: dict[str, Tensor] | None = None) -> Graph:
        if proto.sparse_initializer:
            self._fail("has sparse weights, and in minicnn all tensors are dense")
        nodes = tuple(self._node(node) for node in proto.node if node.op_type != "Constant")
        inputs, outputs = (tuple(value.name for value in values) for values in (proto.input, proto.output))
        return Graph(nodes, inputs, outputs, constants or {})

    def _node(self, proto: Any) -> Node:
        operator = find(proto.op_type, self.versions.get("", 0))
        assert operator is not None  # _with_known_operators has made sure
        attributes = {attribute.name: self._attribute(proto, attribute) for attribute in proto.attribute}
        if problem := operator.problem(len(proto.input), attributes):
            self._fail(f"has the node {proto.name!r}, an operator {proto.op_type}, that {problem}")
        name = proto.name or next(iter(proto.output), "")
        return Node(name, operator, tuple(proto.input), tuple(proto.output), attributes)

    def _attribute(self, node: Any, proto: Any) -> Any:
        kinds = self.onnx.AttributeProto
        if proto.type == kinds.TENSOR:
            return self._tensor(proto.t)
        if proto.type == kinds.GRAPH:
            weights = {tensor.name: self._tensor(tensor) for tensor in proto.g.initializer}
            return self._graph(proto.g, weights | self._constants(proto.g))
        known = (kinds.FLOAT, kinds.INT, kinds.STRING, kinds.FLOATS, kinds.INTS, kinds.STRINGS)
        if proto.type not in known or (proto.name in TYPE_ATTRIBUTES and proto.type != kinds.INT):
            kind = kinds.AttributeType.Name(proto.type).lower()
            self._fail(
                f"has an operator {node.op_type} whose attribute {proto.name!r} has the type {kind}: unsupported"
            )
        value = self.onnx.helper.get_attribute_value(proto)
        if proto.name in TYPE_ATTRIBUTES:
            self._check_type(value, proto.name)
        if proto.type in (kinds.FLOATS, kinds.INTS, kinds.STRINGS):
            return tuple(item.decode() if isinstance(item, bytes) else item for item in value)
        return value.decode() if isinstance(value, bytes) else value
