"""The families of checkpoints that can be imported, by the `model_type` of their config.json."""

from __future__ import annotations

from collections.abc import Mapping

from model_export.checkpoints import deberta, encoder
from model_export.checkpoints.base import Checkpoint, Family
from model_export.checkpoints.encoder_layouts import LAYOUTS
from model_export.checkpoints.marian import MARIAN
from seqserve.errors import CheckpointError
from seqserve.quoting import cut

_ENCODER = Family(encoder.convert, encoder.compare)

FAMILIES: Mapping[str, Family] = {
    **dict.fromkeys(LAYOUTS, _ENCODER),
    deberta.MODEL_TYPE: Family(deberta.convert, deberta.compare),
    "marian": MARIAN,
}


def family_of(checkpoint: Checkpoint) -> Family:
    """Return how a checkpoint is imported.

    Raises:
        CheckpointError: Its family is unknown or not supported.
    """
    name = checkpoint.config.get("model_type")
    supported = ", ".join(sorted(FAMILIES))
    if not isinstance(name, str):
        raise CheckpointError(
            f"{checkpoint.path / 'config.json'} has no model_type, so its family is unknown; these are "
            f"imported: {supported}"
        )
    if name not in FAMILIES:
        raise CheckpointError(
            f"{checkpoint.path} has model_type {cut(name)!r}; these are imported: {supported}"
        )
    return FAMILIES[name]
