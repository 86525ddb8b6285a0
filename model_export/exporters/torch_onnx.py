"""Any torch module to ONNX by `torch.onnx.export`: the exporter of architectures without a graph of their own.

Every axis of every input may have any size. Torch does not guarantee that, so an exported graph is
compared with the module on inputs of many shapes.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from seqserve.errors import ExportError

_OPSET = 20


def module_graph(
    module: nn.Module, inputs: Mapping[str, Tensor], outputs: Sequence[str]
) -> onnx.ModelProto:
    """Export the forward pass of a module.

    Args:
        module: In eval mode.
        inputs: An example of each input, in the order of the parameters of `forward`: axes of different
            sizes, all at least 2.
        outputs: Names for the outputs.

    Raises:
        ExportError: Torch cannot export the module.
    """
    shapes = tuple({axis: torch.export.Dim.AUTO for axis in range(x.ndim)} for x in inputs.values())
    for name in ("torch.onnx", "onnxscript"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # The exporter reports its progress on stdout, and warns of what torch itself does.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            program: Any = torch.onnx.export(
                module,
                tuple(inputs.values()),
                dynamo=True,
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_shapes=(shapes,) if _is_variadic(module) else shapes,
                opset_version=_OPSET,
                verbose=False,
            )
        except Exception as error:  # torch raises many kinds
            name = type(module).__name__
            raise ExportError(f"torch cannot export {name} to ONNX: {error}") from error
    model: onnx.ModelProto = program.model_proto
    _remove_traces(model)
    return model


def _remove_traces(model: onnx.ModelProto) -> None:
    """Remove what the exporter says of every node and value: lines of source files, with their paths."""
    del model.metadata_props[:]
    for graph in (model.graph, *model.functions):
        _remove_traces_of(graph)


def _remove_traces_of(graph: onnx.GraphProto | onnx.FunctionProto) -> None:
    """Do so for a graph and the bodies of its loops."""
    del graph.value_info[:], graph.metadata_props[:]
    for node in graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _remove_traces_of(attribute.g)


def _is_variadic(module: nn.Module) -> bool:
    return isinstance(module, _Decoder)


class _Encoder(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, source: Tensor) -> tuple[Tensor, ...]:
        """Run `encode`."""
        state: tuple[Tensor, ...] = self.model.encode(source)
        return state


class _Decoder(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Run `decode` on tokens and state."""
        tokens, *state = inputs
        outputs: tuple[Tensor, ...] = self.model.decode(tokens, tuple(state))
        return outputs


def seq2seq_graphs(model: nn.Module) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """Export the encoder and one decoding step of a `RowSeq2Seq`, as `runtime.step_search` runs them.

    Raises:
        ExportError: Torch cannot export the model.
    """
    source = torch.full((3, 5), 3)
    with torch.inference_mode():
        state = [tensor.clone() for tensor in _Encoder(model)(source)]
    state = [torch.zeros_like(tensor) for tensor in state]
    names = [f"state.{i}" for i in range(len(state))]
    tokens = torch.full((3,), 3)
    encoder = module_graph(_Encoder(model).eval(), {"source": source}, names)
    inputs = {"tokens": tokens, **dict(zip(names, state, strict=True))}
    outputs = ["logits", *(f"next_{name}" for name in names)]
    return encoder, module_graph(_Decoder(model).eval(), inputs, outputs)
