"""One metrics page of several processes with a shared directory, some of them dead."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

WORK = """
import os, sys
from service.telemetry import metrics
metrics.name_process(sys.argv[1])
series = metrics.of_task("ner")
series.texts.inc(5)
series.queue_texts.set(int(sys.argv[2]))
metrics.flush_counters()
print(os.getpid(), flush=True)
"""
LINGER = WORK + "sys.stdin.read()\n"
PAGE = "from service.telemetry.metrics_page import metrics_page; print(metrics_page()[0].decode())"
BURY = """
import sys
from prometheus_client.multiprocess import mark_process_dead
mark_process_dead(sys.argv[1])
"""


class Family:
    """Processes that share a directory.

    Args:
        directory: Where their metrics are.
    """

    def __init__(self, directory: Path) -> None:
        self.env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(directory)}

    def run(self, code: str, *arguments: str) -> str:
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=60, check=True
        ).stdout

    def start(self, code: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=ROOT, env=self.env, stdin=pipe, stdout=pipe, text=True)

    def sample(self, series: str) -> float | None:
        found = re.search(rf"^{re.escape(series)} (\S+)$", self.run(PAGE), re.MULTILINE)
        return float(found.group(1)) if found else None


@pytest.fixture
def family(tmp_path: Path) -> Family:
    return Family(tmp_path)


def test_counters_of_the_dead_stay_and_their_gauges_go(family: Family) -> None:
    pid = family.run(WORK, "gateway", "7").strip()
    family.run(WORK, "other", "0")
    assert family.sample('seqserve_texts_total{task="ner"}') == 10
    family.run(BURY, pid)
    assert family.sample('seqserve_texts_total{task="ner"}') == 10
    assert family.sample('seqserve_process_pid{process="gateway"}') is None
    assert family.sample('seqserve_process_pid{process="other"}') is not None


def test_a_gateway_that_comes_back_speaks_for_itself(family: Family) -> None:
    family.run(WORK, "gateway", "7")
    assert family.sample('seqserve_queue_texts{task="ner"}') == 7
    family.run(WORK, "gateway", "0")
    assert family.sample('seqserve_queue_texts{task="ner"}') == 0


def test_memory_is_that_of_the_living(family: Family) -> None:
    family.run(WORK, "ner", "0")
    assert family.sample('seqserve_process_resident_memory_bytes{process="ner"}') is None
    process = family.start(LINGER, "ner", "0")
    try:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert family.sample('seqserve_process_pid{process="ner"}') == pid
        resident = family.sample('seqserve_process_resident_memory_bytes{process="ner"}')
        assert resident is not None and resident > 5 * 2**20
    finally:
        process.communicate("")
