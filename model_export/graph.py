"""Write an ONNX graph node by node: `GraphBuilder` names values, keeps weights and checks the result.

Knows ONNX and numpy; nothing about torch, models or tasks.

Weights are kept in torch's layout, one output channel (or one table row) per row. With precision
"int8" a large one is stored as signed bytes with one scale per row and becomes float32 again when the
session is made: the file is a quarter of the size, and all arithmetic stays float32, so that a text's
numbers do not depend on its batch mates. It is written as Cast and Mul, which onnxruntime folds while
loading; it would turn DequantizeLinear and MatMul into MatMulNBits, which also quantises activations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from seqserve.arrays import FloatArray
from seqserve.manifest import Precision

Axis = int | str

OPSET = 21
IR_VERSION = 10
INT8_MIN_SIZE = 1024


@dataclass(frozen=True)
class Weight:
    """A matrix of the model inside a graph.

    Args:
        stored: Value name of the initializer, (..., N) float32 or int8.
        scales: Value name of its scales, (..., 1) float32; None: stored as float32.
    """

    stored: str
    scales: str | None


def quantise_rows(array: FloatArray) -> tuple[NDArray[np.int8], FloatArray]:
    """Round to signed bytes with one symmetric scale per row.

    Args:
        array: (..., N).

    Returns:
        (..., N) int8 from -127 to 127 and (..., 1) float32 scales; their product is close to `array`.
    """
    largest = np.abs(array).max(axis=-1, keepdims=True)
    scales = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    return np.rint(array / scales).astype(np.int8), scales


class GraphBuilder:
    """One graph in the making; every method that adds something gives the name of the value."""

    def __init__(self, name: str, precision: Precision = "fp32") -> None:
        """Start an empty graph.

        Args:
            name: What the graph computes; it stands in the file.
            precision: How weights are stored; arithmetic is float32 either way.
        """
        self.name = name
        self.precision = precision
        self._nodes: list[onnx.NodeProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._final_names: dict[str, str] = {}
        self._initializers: dict[str, onnx.TensorProto] = {}
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def int_input(self, name: str, *axes: Axis) -> str:
        """Declare an int64 input; an axis is a fixed length or the name of a free one."""
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.INT64, axes))
        return name

    def float_input(self, name: str, *axes: Axis) -> str:
        """Declare a float32 input; an axis is a fixed length or the name of a free one."""
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, axes))
        return name

    def output(self, name: str, value: str, *axes: Axis) -> None:
        """Declare a float32 value as the output `name`: `build` gives the value that name."""
        self._final_names[value] = name
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, axes))

    def op(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator that gives one value; an empty input name leaves that input out."""
        return self.ops(op_type, *inputs, n_outputs=1, **attributes)[0]

    def ops(self, op_type: str, *inputs: str, n_outputs: int, **attributes: Any) -> list[str]:
        """Add an operator that gives several values."""
        prefix = f"{op_type}_{len(self._nodes)}"
        outputs = [prefix] if n_outputs == 1 else [f"{prefix}.{i}" for i in range(n_outputs)]
        self._nodes.append(helper.make_node(op_type, inputs, outputs, name=prefix, **attributes))
        return outputs

    def constant(self, array: NDArray[Any] | np.generic) -> str:
        """Add a value that is known now, exactly as it is; equal ones are kept once."""
        array = np.asarray(array)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self._initializer(f"constant_{len(self._constants)}", array)
        return self._constants[key]

    def ints(self, *values: int) -> str:
        """Add a 1-D int64 constant: a shape, or axes."""
        return self.constant(np.array(values, np.int64))

    def weight(self, name: str, array: FloatArray) -> Weight:
        """Store a matrix (..., N) of the model, rounded row by row where the precision asks for it."""
        is_large = array.ndim > 1 and array.size >= INT8_MIN_SIZE
        if self.precision == "fp32" or not is_large:
            return Weight(self._initializer(name, array), None)
        rounded, scales = quantise_rows(array)
        return Weight(self._initializer(name, rounded), self._initializer(f"{name}.scales", scales))

    def dense(self, weight: Weight) -> str:
        """Give all of a weight as float32 (..., N)."""
        if weight.scales is None:
            return weight.stored
        return self.op("Mul", self._to_float(weight.stored), weight.scales)

    def rows(self, weight: Weight, ids: str) -> str:
        """Look up ids (...) in a table (V, D), giving (..., D); only those rows become float32."""
        found = self.op("Gather", weight.stored, ids)
        if weight.scales is None:
            return found
        return self.op("Mul", self._to_float(found), self.op("Gather", weight.scales, ids))

    def linear(self, x: str, weight: Weight, bias: FloatArray) -> str:
        """Multiply x (..., D) by the weight (N, D) and add the bias (N,), giving (..., N)."""
        columns = self.op("Transpose", self.dense(weight), perm=[1, 0])  # folded while loading
        return self.op("Add", self.op("MatMul", x, columns), self.constant(bias))

    def length(self, value: str, axis: int) -> str:
        """Give the length of one axis of a value, (1,) int64."""
        return self.op("Shape", value, start=axis, end=axis + 1)

    def positions(self, length: str) -> str:
        """Count 0, 1, ... up to a length (1,) that is not counted itself: (length,) int64."""
        zero, one = self.constant(np.int64(0)), self.constant(np.int64(1))
        return self.op("Range", zero, self.op("Squeeze", length), one)

    def build(self) -> onnx.ModelProto:
        """Give the checked model; the same calls give the same bytes.

        Raises:
            onnx.checker.ValidationError: An operator does not exist, or takes other inputs.
            onnx.shape_inference.InferenceError: Shapes do not fit.
        """
        for node in self._nodes:
            node.input[:] = [self._final_names.get(value, value) for value in node.input]
            node.output[:] = [self._final_names.get(value, value) for value in node.output]
        graph = helper.make_graph(
            self._nodes,
            self.name,
            self._inputs,
            self._outputs,
            list(self._initializers.values()),
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="seqserve",
            doc_string=f"{self.name}, weights stored as {self.precision}",
        )
        onnx.checker.check_model(model, full_check=True)
        return model

    def _initializer(self, name: str, array: NDArray[Any]) -> str:
        if name in self._initializers:
            raise ValueError(f"graph {self.name!r} has two weights of the name {name!r}")
        contiguous = np.ascontiguousarray(array).reshape(array.shape)
        self._initializers[name] = numpy_helper.from_array(contiguous, name)
        return name

    def _to_float(self, value: str) -> str:
        return self.op("Cast", value, to=TensorProto.FLOAT)
