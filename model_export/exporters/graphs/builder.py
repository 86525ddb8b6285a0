"""Write an ONNX graph node by node: `GraphBuilder` names values, refers to weights and checks the result.

Knows ONNX and numpy; nothing about models or tasks. Weights stay in torch's layout; what a graph wants
otherwise (turned, joined, in float32) it says in operators, which onnxruntime folds while loading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import DTypeLike, NDArray
from onnx import TensorProto, helper, numpy_helper

from model_export.exporters.graphs.weights import Weights
from seqserve.dequantization import SCALES

Axis = int | str

OPSET = 21
IR_VERSION = 10
MICROSOFT = "com.microsoft"  # onnxruntime's own operators


@dataclass(frozen=True)
class Weight:
    """A matrix of the model inside a graph.

    Args:
        stored: Value name, (..., N) float32 or int8.
        scales: Value name of its scales, (..., 1) float32; None: float32.
    """

    stored: str
    scales: str | None


Step = Callable[["GraphBuilder", str, list[str]], tuple[str, list[str], list[str]]]
"""A loop's body: builder, step number (), state -> whether to go on (), next state, what to collect."""

ScanStep = Callable[["GraphBuilder", list[str], list[str]], tuple[list[str], list[str]]]
"""A scan's body: builder, state, one item of each sequence -> next state, what to collect."""


@dataclass(frozen=True)
class Sequenced:
    """A value that a scan consumes or produces item by item along its first axis.

    Args:
        dtype: Of its items.
        value: Its name; of what is given, the scan finds it.
        backwards: The last item is the first that is taken, or is given first.
    """

    dtype: DTypeLike
    value: str = ""
    backwards: bool = False


@dataclass
class _Shared:
    """State shared by a graph and the bodies of its loops: initializers, and a count of names."""

    initializers: dict[str, NDArray[Any]] = field(default_factory=dict)
    constants: dict[tuple[str, tuple[int, ...], bytes], str] = field(default_factory=dict)
    n_nodes: int = 0


class GraphBuilder:
    """A graph under construction; every method that adds a value returns its name."""

    def __init__(self, name: str, weights: Weights | None = None) -> None:
        """Start an empty graph.

        Args:
            name: What the graph computes; it stands in the file.
            weights: What `weight` and `vector` look up.
        """
        self.name = name
        self.weights = weights or Weights({})
        self.root = self
        self._shared = _Shared()
        self._nodes: list[onnx.NodeProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._final_names: dict[str, str] = {}
        self._once: dict[tuple[str, ...], str] = {}

    def int_input(self, name: str, *axes: Axis) -> str:
        """Declare an int64 input; an axis is a fixed length or the name of a free one."""
        return self._input(name, TensorProto.INT64, axes)

    def float_input(self, name: str, *axes: Axis) -> str:
        """Declare a float32 input; an axis is a fixed length or the name of a free one."""
        return self._input(name, TensorProto.FLOAT, axes)

    def typed_input(self, name: str, dtype: DTypeLike, *axes: Axis) -> str:
        """Declare an input of any type."""
        return self._input(name, _onnx_type(dtype), axes)

    def output(self, name: str, value: str, *axes: Axis, dtype: DTypeLike = np.float32) -> None:
        """Declare a value as the output `name`: `build` renames the value."""
        if value in self._shared.initializers:
            value = self.op("Identity", value)
        self._final_names[value] = name
        self._outputs.append(helper.make_tensor_value_info(name, _onnx_type(dtype), axes))

    def op(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator with one output; an empty input name leaves that input out."""
        return self.ops(op_type, *inputs, n_outputs=1, **attributes)[0]

    def ops(self, op_type: str, *inputs: str, n_outputs: int, **attributes: Any) -> list[str]:
        """Add an operator with several outputs."""
        prefix = f"{op_type}_{self._shared.n_nodes}"
        self._shared.n_nodes += 1
        outputs = [prefix] if n_outputs == 1 else [f"{prefix}.{i}" for i in range(n_outputs)]
        self._nodes.append(helper.make_node(op_type, inputs, outputs, name=prefix, **attributes))
        return outputs

    def once(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        """As `op`; the same operator on the same values is computed once."""
        key = (op_type, *inputs, repr(sorted(attributes.items())))
        if key not in self._once:
            self._once[key] = self.op(op_type, *inputs, **attributes)
        return self._once[key]

    def constant(self, array: NDArray[Any] | np.generic) -> str:
        """Add a value that is known now, exactly as it is; equal ones are kept once."""
        array = np.asarray(array)
        constants = self._shared.constants
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in constants:
            constants[key] = self._initializer(f"constant_{len(constants)}", array)
        return constants[key]

    def unsigned(self, stored: str) -> str:
        """Shift int8 weights to uint8 with zero point 128, which onnxruntime computes while loading.

        x86 CPUs with AVX2 and without VNNI multiply uint8 by int8 with an instruction that saturates sums of
        two products at 16 bits; products of uint8 by uint8 are exact on all of them, and CPUs with VNNI
        shift the weights back when they pack them.

        Source: onnxruntime documentation, "Quantize ONNX models", on U8S8 saturation.
        """
        shifted = self.root.once(
            "Add",
            self.root.once("Cast", stored, to=TensorProto.INT32),
            self.constant(np.int32(128)),
        )
        return self.root.once("Cast", shifted, to=TensorProto.UINT8)

    def ints(self, *values: int) -> str:
        """Add a 1-D int64 constant: a shape, or axes."""
        return self.constant(np.array(values, np.int64))

    def vector(self, *names: str) -> str:
        """Return small weights as float32, several in a row."""
        return self.constant(np.concatenate([self.weights.dense(name) for name in names]))

    def weight(self, *names: str) -> Weight:
        """Return matrices (N, D) of the model as one, rows after rows."""
        is_quantized = {self.weights.is_quantized(name) for name in names}
        if len(is_quantized) > 1:
            raise ValueError(f"some of {names} are int8 and others float32")
        scales = self._rows([name + SCALES for name in names]) if is_quantized == {True} else None
        return Weight(self._rows(names), scales)

    def dense(self, weight: Weight) -> str:
        """Return all of a weight as float32 (..., N)."""
        if weight.scales is None:
            return weight.stored
        return self.root.once("Mul", self.root.to_float(weight.stored), weight.scales)

    def rows(self, weight: Weight, ids: str, factor: float = 1.0) -> str:
        """Look up ids (...) in a table (V, D) and multiply, giving (..., D); only those rows are float32."""
        if weight.scales is None:
            found = self.op("Gather", weight.stored, ids)
            return found if factor == 1 else self.op("Mul", found, self.float(factor))
        found = self.to_float(self.op("Gather", weight.stored, ids))
        scales = self.root.once("Mul", weight.scales, self.float(factor))
        return self.op("Mul", found, self.op("Gather", scales, ids))

    def float(self, value: float) -> str:
        """Add a float32 scalar."""
        return self.constant(np.float32(value))

    def to_float(self, value: str) -> str:
        """Convert to float32."""
        return self.once("Cast", value, to=TensorProto.FLOAT)

    def length(self, value: str, axis: int) -> str:
        """Return the length of one axis of a value, (1,) int64."""
        return self.once("Shape", value, start=axis, end=axis + 1)

    def count(self, start: str, length: str) -> str:
        """Count from a number () up by ones: (length,) int64, for a length (1,) or ()."""
        stop = self.op("Add", start, self.op("Reshape", length, self.ints()))
        return self.op("Range", start, stop, self.constant(np.int64(1)))

    def shape(self, *lengths: str | int) -> str:
        """Put a shape together of values (1,) and numbers."""
        parts = [self.ints(part) if isinstance(part, int) else part for part in lengths]
        return self.op("Concat", *parts, axis=0)

    def loop(
        self,
        n_steps: str,
        state: Sequence[tuple[str, DTypeLike]],
        collects: Sequence[DTypeLike],
        step: Step,
    ) -> tuple[list[str], list[str]]:
        """Repeat a step until it says stop, `n_steps` () int64 times at most.

        Args:
            n_steps: Value name.
            state: Values before the first step, and their types.
            collects: Types of the values that a step collects.
            step: Writes the body; it may name any value of this graph.

        Returns:
            The state after the last step, and what was collected, each with a first axis of steps.
        """
        body = self._body()
        number = body._input(f"{body.name}.number", TensorProto.INT64, ())
        body._input(f"{body.name}.goes_on", TensorProto.BOOL, ())
        types = [dtype for _, dtype in state]
        goes_on, after, collected = step(body, number, body._free_inputs("state", types))
        outputs = self.ops(
            "Loop",
            n_steps,
            self.constant(np.bool_(True)),
            *(value for value, _ in state),
            n_outputs=len(state) + len(collects),
            body=body._close([goes_on, *after, *collected], [np.bool_, *types, *collects]),
        )
        return outputs[: len(state)], outputs[len(state) :]

    def scan(
        self,
        state: Sequence[tuple[str, DTypeLike]],
        items: Sequence[Sequenced],
        collects: Sequence[Sequenced],
        step: ScanStep,
    ) -> tuple[list[str], list[str]]:
        """Do a step for every item of sequences that are equally long, at least one item.

        Args:
            state: Values before the first step, and their types.
            items: What is gone through; the first axis is that of the steps.
            collects: The outputs of the steps.
            step: Writes the body; it may name any value of this graph.

        Returns:
            The state after the last step, and what was collected, each with a first axis of steps.
        """
        body = self._body()
        types = [dtype for _, dtype in state]
        before = body._free_inputs("state", types)
        taken = body._free_inputs("item", [item.dtype for item in items])
        after, collected = step(body, before, taken)
        given = [item.dtype for item in collects]
        outputs = self.ops(
            "Scan",
            *(value for value, _ in state),
            *(item.value for item in items),
            n_outputs=len(state) + len(collects),
            body=body._close([*after, *collected], [*types, *given]),
            num_scan_inputs=len(items),
            scan_input_directions=[int(item.backwards) for item in items],
            scan_output_directions=[int(item.backwards) for item in collects],
        )
        return outputs[: len(state)], outputs[len(state) :]

    def take_nodes(self) -> list[onnx.NodeProto]:
        """Return the nodes that were added since the last call, for a graph that is put together elsewhere."""
        nodes = list(self._nodes)
        self._nodes.clear()
        return nodes

    @property
    def initializers(self) -> list[onnx.TensorProto]:
        """The weights and constants that were added."""
        return [
            numpy_helper.from_array(array, name)
            for name, array in self._shared.initializers.items()
        ]

    def build(self) -> onnx.ModelProto:
        """Return the checked model; the same calls produce the same bytes.

        Raises:
            onnx.checker.ValidationError: An operator does not exist, or takes other inputs.
            onnx.shape_inference.InferenceError: Shapes do not fit.
        """
        self._rename(self._nodes)
        arrays = self._shared.initializers
        # Only shapes and types of weights matter for the check, which would copy them several times.
        weights = [name for name in arrays if name in self.weights.tensors]
        described = [
            helper.make_tensor_value_info(name, _onnx_type(arrays[name].dtype), arrays[name].shape)
            for name in weights
        ]
        constants = [
            numpy_helper.from_array(arrays[name], name) for name in arrays.keys() - {*weights}
        ]
        graph = helper.make_graph(
            self._nodes, self.name, [*self._inputs, *described], self._outputs, constants
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)],
            ir_version=IR_VERSION,
            producer_name="seqserve",
        )
        onnx.checker.check_model(model, full_check=True)
        del model.graph.input[len(self._inputs) :], model.graph.initializer[:]
        for name, array in arrays.items():
            model.graph.initializer.add().CopyFrom(numpy_helper.from_array(array, name))
        return model

    def _rename(self, nodes: Iterable[onnx.NodeProto]) -> None:
        for node in nodes:
            node.input[:] = [self._final_names.get(value, value) for value in node.input]
            node.output[:] = [self._final_names.get(value, value) for value in node.output]
            for attribute in node.attribute:
                self._rename(attribute.g.node)

    def _body(self) -> GraphBuilder:
        """Start the graph of a step."""
        body = GraphBuilder(f"{self.name}_step_{self._shared.n_nodes}", self.weights)
        body.root, body._shared = self.root, self._shared
        return body

    def _free_inputs(self, name: str, types: Sequence[DTypeLike]) -> list[str]:
        """Declare inputs of any shape."""
        names = [f"{self.name}.{name}.{i}" for i in range(len(types))]
        return [
            self._input(name, _onnx_type(t), None) for name, t in zip(names, types, strict=True)
        ]

    def _close(self, values: Sequence[str], types: Sequence[DTypeLike]) -> onnx.GraphProto:
        """Return the graph of a step that has these outputs."""
        for value, dtype in zip(values, types, strict=True):
            info = helper.make_tensor_value_info(self._own(value), _onnx_type(dtype), None)
            self._outputs.append(info)
        return helper.make_graph(self._nodes, self.name, self._inputs, self._outputs)

    def _input(self, name: str, onnx_type: int, axes: Sequence[Axis] | None) -> str:
        self._inputs.append(helper.make_tensor_value_info(name, onnx_type, axes))
        return name

    def _own(self, value: str) -> str:
        """Return a value that this body computes, and no other output of it is."""
        taken = {output.name for output in self._outputs}
        is_computed_here = any(value in node.output for node in self._nodes)
        return value if is_computed_here and value not in taken else self.op("Identity", value)

    def _rows(self, names: Sequence[str]) -> str:
        stored = [self._stored(name) for name in names]
        return stored[0] if len(stored) == 1 else self.root.once("Concat", *stored, axis=0)

    def _stored(self, name: str) -> str:
        if name in self._shared.initializers:
            return name
        return self._initializer(name, self.weights.tensors[name])

    def _initializer(self, name: str, array: NDArray[Any]) -> str:
        contiguous = np.ascontiguousarray(array).reshape(array.shape)
        self._shared.initializers[name] = contiguous
        return name


def _onnx_type(dtype: DTypeLike) -> int:
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
