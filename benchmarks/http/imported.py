"""Throughput of an imported encoder over HTTP, beside the runtime alone.

It has random weights and the size of MiniLM: 6 layers, 384 features.
"""

from __future__ import annotations

from benchmarks.http.servers import model_server
from benchmarks.http.size import HttpSize
from benchmarks.http.throughput import TaskThroughput, compare_throughput, in_words
from benchmarks.models.texts import dev_texts
from benchmarks.tools.cores import split_cores
from benchmarks.tools.tasks import NER
from benchmarks.tools.workspace import Report, Workspace

N_CLIENTS, REQUEST_TEXTS = 64, 1


def measure_imported(
    space: Workspace, size: HttpSize, report: Report
) -> tuple[TaskThroughput, ...]:
    """Let both sides compute the same texts in int8 on one CPU, alternating."""
    from benchmarks.models.minilm import import_checkpoint
    from benchmarks.models.random_bert import MINILM, write_checkpoint

    cores, folder = split_cores(), space.scratch / "imported"
    texts = dev_texts(space.bundle(NER), space.data, size.n_texts, space.seed)
    checkpoint = write_checkpoint(space.scratch / "minilm-random", texts, MINILM, space.seed)
    folder.mkdir()
    bundle = import_checkpoint(checkpoint, folder, "int8").bundle
    with model_server(folder, space.scratch, cores.served, "runners") as server:
        load = (N_CLIENTS, REQUEST_TEXTS)
        line = compare_throughput(bundle, texts, server, cores, size, load)
    report(in_words(line))
    return (line,)
