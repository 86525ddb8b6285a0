"""How the families of encoders name their tensors and the keys of config.json: one row each.

Names are those of transformers' classes; `tests/model_export/checkpoints` compares every row with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from model_export.exporters.graphs.text_encoder import HeadLayer, Layer


@dataclass(frozen=True)
class ConfigKeys:
    """The keys of config.json that tell the dimensions of a model."""

    width: str = "hidden_size"
    heads: str = "num_attention_heads"
    layers: str = "num_hidden_layers"
    inner: str = "intermediate_size"
    activation: str = "hidden_act"


@dataclass(frozen=True)
class Layout:
    """A family.

    Args:
        class_prefix: Of the names of transformers' classes, such as "Bert".
        prefix: Of the names of the encoder's tensors.
        layer: Of the names of a layer's tensors, behind `prefix`; "{}" is its number.
        names: Of a layer's parts, behind `layer`.
        pooled_head: The layers of a sequence head, first layer first.
        keys: Of config.json.
        default_activation: Where config.json names none.
        has_types: Whether there is a table of token types.
        counts_from_padding: Whether the first position is the one behind the padding id.
        projection: The linear layer from the width of the embeddings to that of the model, behind `prefix`;
            empty: they have the same width.
        has_fixed_projection: Whether it is there even if both widths are the same.
        shares_layers: Whether layers share tensors, in `num_hidden_groups` groups of `inner_group_num`; then
            `layer` has two numbers.
    """

    class_prefix: str
    prefix: str
    layer: str
    names: Layer
    pooled_head: tuple[HeadLayer, ...]
    keys: ConfigKeys = ConfigKeys()
    default_activation: str = "gelu"
    has_types: bool = True
    counts_from_padding: bool = False
    projection: str = ""
    has_fixed_projection: bool = False
    shares_layers: bool = False


TOKEN_HEAD = (HeadLayer("classifier"),)
"""The layers of a token head, in all families."""

_BERT = Layout(
    class_prefix="Bert",
    prefix="bert.",
    layer="encoder.layer.{}.",
    names=Layer(
        query="attention.self.query",
        key="attention.self.key",
        value="attention.self.value",
        attention_output="attention.output.dense",
        attention_norm="attention.output.LayerNorm",
        inner="intermediate.dense",
        outer="output.dense",
        norm="output.LayerNorm",
    ),
    pooled_head=(HeadLayer("bert.pooler.dense", "tanh"), HeadLayer("classifier")),
)
_ROBERTA = replace(
    _BERT,
    class_prefix="Roberta",
    prefix="roberta.",
    pooled_head=(HeadLayer("classifier.dense", "tanh"), HeadLayer("classifier.out_proj")),
    counts_from_padding=True,
)

LAYOUTS: Mapping[str, Layout] = {
    "bert": _BERT,
    "electra": replace(
        _BERT,
        class_prefix="Electra",
        prefix="electra.",
        pooled_head=(HeadLayer("classifier.dense", "gelu"), HeadLayer("classifier.out_proj")),
        projection="embeddings_project",
    ),
    "roberta": _ROBERTA,
    "xlm-roberta": replace(_ROBERTA, class_prefix="XLMRoberta"),
    "camembert": replace(_ROBERTA, class_prefix="Camembert"),
    "distilbert": Layout(
        class_prefix="DistilBert",
        prefix="distilbert.",
        layer="transformer.layer.{}.",
        names=Layer(
            query="attention.q_lin",
            key="attention.k_lin",
            value="attention.v_lin",
            attention_output="attention.out_lin",
            attention_norm="sa_layer_norm",
            inner="ffn.lin1",
            outer="ffn.lin2",
            norm="output_layer_norm",
        ),
        pooled_head=(HeadLayer("pre_classifier", "relu"), HeadLayer("classifier")),
        keys=ConfigKeys("dim", "n_heads", "n_layers", "hidden_dim", "activation"),
        has_types=False,
    ),
    "albert": Layout(
        class_prefix="Albert",
        prefix="albert.",
        layer="encoder.albert_layer_groups.{}.albert_layers.{}.",
        names=Layer(
            query="attention.query",
            key="attention.key",
            value="attention.value",
            attention_output="attention.dense",
            attention_norm="attention.LayerNorm",
            inner="ffn",
            outer="ffn_output",
            norm="full_layer_layer_norm",
        ),
        pooled_head=(HeadLayer("albert.pooler", "tanh"), HeadLayer("classifier")),
        default_activation="gelu_new",
        projection="encoder.embedding_hidden_mapping_in",
        has_fixed_projection=True,
        shares_layers=True,
    ),
}
"""By `model_type`."""
