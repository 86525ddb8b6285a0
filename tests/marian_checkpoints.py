"""Small random MarianMTModel checkpoints with a sentencepiece model that is trained here, in seconds."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from safetensors.numpy import load_file
from torch import nn
from transformers import MarianConfig, MarianMTModel

from model_export.checkpoints.base import Checkpoint, Converted
from model_export.exporters.graphs.external import graph_files
from seqserve.bundle import Bundle, write_bundle
from seqserve.manifest import Description, Precision

ENGLISH = (
    "The file was not found in the folder.",
    "Close the window and save your work first.",
    "She has lived in the old house for 25 years.",
    "How many people were at the station this morning?",
    "Please read the instructions before you start the machine.",
    "It's raining again, so we will stay at home.",
)
FRENCH = (
    "Le fichier est introuvable dans le dossier.",
    "Fermez la fenêtre et enregistrez d'abord votre travail.",
    "Elle habite la vieille maison depuis 25 ans.",
    "Combien de personnes étaient à la gare ce matin ?",
    "Lisez les instructions avant de démarrer la machine.",
    "Il pleut encore, nous resterons donc à la maison.",
)
GERMAN = (
    "Die Datei wurde im Ordner nicht gefunden.",
    "Schließen Sie das Fenster und speichern Sie zuerst Ihre Arbeit.",
    "Sie wohnt seit 25 Jahren in dem alten Haus.",
    "Wie viele Leute waren heute Morgen am Bahnhof?",
    "Lesen Sie die Anleitung, bevor Sie die Maschine starten.",
    "Es regnet schon wieder, also bleiben wir zu Hause.",
)
TARGETS = (FRENCH, GERMAN)
SHAPE = {
    "d_model": 64,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 8,
    "decoder_attention_heads": 8,
    "encoder_ffn_dim": 128,
    "decoder_ffn_dim": 128,
}


@cache
def train_pieces(lines: tuple[str, ...], vocab_size: int = 120, **options: Any) -> bytes:
    """Return a sentencepiece model."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines * 4),
        model_writer=model,
        vocab_size=vocab_size,
        hard_vocab_limit=False,
        minloglevel=2,
        **({"model_type": "unigram", "normalization_rule_name": "nmt_nfkc"} | options),
    )
    return model.getvalue()


def joint_vocabulary(models: Iterable[bytes], codes: Iterable[str] = ()) -> dict[str, int]:
    """Return piece -> id as opus-mt has it: the end first, padding last, the language codes before it."""
    pieces: list[str] = []
    for contents in models:
        processor = sentencepiece.SentencePieceProcessor(model_proto=contents)
        pieces += [processor.id_to_piece(i) for i in range(len(processor))]
    text = sorted({*pieces} - {"</s>", "<s>", "<unk>"})
    ordered = [*text[:3], "</s>", *text[3:], "<unk>", *codes, "<pad>"]
    return {piece: number for number, piece in enumerate(ordered)}


def write_checkpoint(
    folder: Path, codes: Sequence[str] = (), *, n_steps: int = 120, **settings: Any
) -> MarianMTModel:
    """Write a checkpoint that has learnt its sentences by heart, and return the model.

    Args:
        folder: Where to.
        codes: Language codes of the targets, in the order of `TARGETS`; none: the first target without a code.
        n_steps: Of training; 0: its weights are random.
        settings: Of its MarianConfig.
    """
    targets = TARGETS[: len(codes) or 1]
    source = train_pieces(ENGLISH)
    target = train_pieces(tuple(line for lines in targets for line in lines))
    vocabulary = joint_vocabulary((source, target), codes)
    pad, end, n_ids = vocabulary["<pad>"], vocabulary["</s>"], len(vocabulary)
    settings = {
        **SHAPE,
        **dict.fromkeys(("vocab_size", "decoder_vocab_size"), n_ids),
        **dict.fromkeys(("pad_token_id", "decoder_start_token_id"), pad),
        **{"eos_token_id": end, "bos_token_id": None, "forced_eos_token_id": None},
        **{"activation_function": "swish", "scale_embedding": True, "dropout": 0.0},
        **settings,
    }
    torch.manual_seed(0)
    model = MarianMTModel(MarianConfig(**settings))
    numbered = [
        (
            [vocabulary[code] for code in codes[i : i + 1]] + _ids(source, vocabulary, one),
            _ids(target, vocabulary, other),
        )
        for i, lines in enumerate(targets)
        for one, other in zip(ENGLISH, lines, strict=True)
    ]
    _train(model, numbered, n_steps)
    folder.mkdir(parents=True, exist_ok=True)
    model.eval().save_pretrained(folder)
    (folder / "source.spm").write_bytes(source)
    (folder / "target.spm").write_bytes(target)
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    return model


def _ids(model: bytes, vocabulary: Mapping[str, int], text: str) -> list[int]:
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model).encode(text, out_type=str)
    return [*(vocabulary[piece] for piece in pieces), vocabulary["</s>"]]


def _train(
    model: MarianMTModel, pairs: Sequence[tuple[list[int], list[int]]], n_steps: int
) -> None:
    pad = model.config.pad_token_id
    sources, targets = (
        nn.utils.rnn.pad_sequence([torch.tensor(pair[side]) for pair in pairs], True, pad)
        for side in (0, 1)
    )
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(n_steps):
        labels = targets.masked_fill(targets == pad, -100)
        loss = model(input_ids=sources, attention_mask=(sources != pad).long(), labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def read(folder: Path) -> Checkpoint:
    """Read a checkpoint."""
    return Checkpoint(
        folder,
        json.loads((folder / "config.json").read_text()),
        {},
        {n: a.astype("float32") for n, a in load_file(folder / "model.safetensors").items()},
        {
            one.name: hashlib.sha256(one.read_bytes()).hexdigest()
            for one in sorted(folder.iterdir())
        },
    )


def write_converted(folder: Path, converted: Converted, precision: Precision = "fp32") -> Bundle:
    """Write the parts of a checkpoint as a bundle without golden cases."""
    files = graph_files(converted.graphs, converted.weights)
    config = json.dumps(converted.config).encode()
    description = Description(
        name=folder.name,
        version="1",
        task=converted.task,
        languages=converted.languages,
        labels=converted.labels,
        precision=precision,
        limits=converted.limits,
        data=(),
        licence="CC0-1.0",
        metrics={},
        tools={},
        created="2026-01-01",
        pairs=converted.pairs,
        score_kind=converted.score_kind,
    )
    contents = {**files, "config.json": config, **converted.files}
    return write_bundle(folder, contents, description)
