"""Random tiny checkpoints of every family of encoders, as transformers saves them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from model_export.checkpoints.base import Checkpoint

VOCABULARY = 500
_BERT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "max_position_embeddings": 320,
}
_ROBERTA = _BERT | {"type_vocab_size": 1, "pad_token_id": 1, "layer_norm_eps": 1e-5}
_ALBERT = _BERT | {
    "embedding_size": 32,
    "num_hidden_layers": 3,
    "num_hidden_groups": 2,
    "inner_group_num": 2,
}
_DISTILBERT = {
    "vocab_size": VOCABULARY,
    "dim": 64,
    "n_layers": 2,
    "n_heads": 4,
    "hidden_dim": 128,
    "max_position_embeddings": 320,
}
CASES: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "bert": ("bert", "Bert", _BERT),
    "bert with relu": ("bert", "Bert", _BERT | {"hidden_act": "relu"}),
    "bert with silu": ("bert", "Bert", _BERT | {"hidden_act": "silu"}),
    "electra": ("electra", "Electra", _BERT | {"embedding_size": 32}),
    "electra of one width": ("electra", "Electra", _BERT | {"embedding_size": 64}),
    "roberta": ("roberta", "Roberta", _ROBERTA),
    "xlm-roberta": ("xlm-roberta", "XLMRoberta", _ROBERTA),
    "camembert": ("camembert", "Camembert", _ROBERTA | {"pad_token_id": 5}),
    "distilbert": ("distilbert", "DistilBert", _DISTILBERT),
    "distilbert with fixed positions": (
        "distilbert",
        "DistilBert",
        _DISTILBERT | {"sinusoidal_pos_embds": True},
    ),
    "albert": ("albert", "Albert", _ALBERT),
    "albert of one width": ("albert", "Albert", _ALBERT | {"embedding_size": 64}),
}
"""Model type, start of the names of transformers' classes, and config."""

DEBERTA: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "deberta-v2": (
        "deberta-v2",
        "DebertaV2",
        _BERT
        | {
            "relative_attention": True,
            "position_buckets": 32,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
            "type_vocab_size": 0,
        },
    ),
}
"""As `CASES`; exported by torch."""

TOKEN, SEQUENCE = "ForTokenClassification", "ForSequenceClassification"
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
TOPICS = ("sport", "business", "science")


@cache
def checkpoint_directory(case: str, head: str, dtype: torch.dtype = torch.float32) -> Path:
    """Save a random model; its matrices are larger than at initialisation, as if it had learnt something."""
    import transformers

    family, prefix, sizes = {**CASES, **DEBERTA}[case]
    labels = dict(enumerate(TAGS if head == TOKEN else TOPICS))
    config = getattr(transformers, f"{prefix}Config")(**sizes, id2label=labels)
    config.label2id = {label: i for i, label in labels.items()}
    assert config.model_type == family
    torch.manual_seed(1)
    model = getattr(transformers, prefix + head)(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "embeddings" in name or parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
            else:
                parameter.mul_(4)
    path = Path(mkdtemp(prefix="checkpoint"))
    model.to(dtype).save_pretrained(path)
    write_tokenizer(path, config.pad_token_id)
    return path


def write_tokenizer(path: Path, padding_id: int) -> None:
    """Write a tokenizer with the words w0 to w499, four of which are special tokens instead."""
    words = [f"w{i}" for i in range(VOCABULARY)]
    words[padding_id], words[10:13] = "[PAD]", ["[CLS]", "[SEP]", "[UNK]"]
    vocabulary = {word: i for i, word in enumerate(words)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 10), ("[SEP]", 11)]
    )
    tokenizer.save(str(path / "tokenizer.json"))
    names = {"cls": "[CLS]", "sep": "[SEP]", "pad": "[PAD]", "unk": "[UNK]"}
    config = {f"{role}_token": name for role, name in names.items()}
    (path / "tokenizer_config.json").write_text(json.dumps(config))


def read(path: Path, **changes: Any) -> Checkpoint:
    """Read a directory, and change keys of its config; None removes a key."""
    config = json.loads((path / "config.json").read_bytes()) | changes
    tensors = {
        name: tensor.float().numpy() if tensor.is_floating_point() else tensor.numpy()
        for name, tensor in load_file(path / "model.safetensors").items()
    }
    hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in path.iterdir()}
    kept = {key: value for key, value in config.items() if value is not None}
    tokenizer_config = json.loads((path / "tokenizer_config.json").read_bytes())
    return Checkpoint(path, kept, tokenizer_config, tensors, hashes)


def with_tensors(checkpoint: Checkpoint, **changes: np.ndarray[Any, Any] | None) -> Checkpoint:
    """Change tensors; None removes one."""
    tensors = {**checkpoint.tensors, **changes}
    kept = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    return Checkpoint(
        checkpoint.path, checkpoint.config, checkpoint.tokenizer_config, kept, checkpoint.sha256
    )
