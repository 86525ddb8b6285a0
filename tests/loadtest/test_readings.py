from __future__ import annotations

import time

import pytest

from loadtest.readings import Scraper, kept_lines, readings_of
from tests.loadtest.pages import served

BEFORE = """
# HELP seqserve_queue_texts Texts waiting.
# TYPE seqserve_queue_texts gauge
seqserve_queue_texts{task="ner"} 3.0
# TYPE seqserve_batch_texts histogram
seqserve_batch_texts_bucket{le="1.0",task="ner"} 2.0
seqserve_batch_texts_count{task="ner"} 10.0
seqserve_batch_texts_sum{task="ner"} 20.0
seqserve_batch_texts_count{task="translation"} 1.0
seqserve_batch_texts_sum{task="translation"} 1.0
# TYPE seqserve_process_cpu_seconds_total counter
seqserve_process_cpu_seconds_total{process="gateway"} 5.0
seqserve_process_cpu_seconds_total{process="ner"} 50.0
# TYPE seqserve_process_resident_memory_bytes gauge
seqserve_process_resident_memory_bytes{process="ner"} 1048576.0
python_gc_objects_collected_total{generation="0"} 1.0
"""
AFTER = (
    BEFORE.replace("_count{task=\"ner\"} 10", "_count{task=\"ner\"} 12")
    .replace("_sum{task=\"ner\"} 20", "_sum{task=\"ner\"} 30")
    .replace('"gateway"} 5', '"gateway"} 6')
    .replace('"ner"} 50', '"ner"} 1')
)  # fmt: skip


def test_what_two_pages_say() -> None:
    first, second = readings_of([(0.0, kept_lines(BEFORE)), (2.0, kept_lines(AFTER))])
    assert first.queue_texts == second.queue_texts == {"ner": 3}
    assert first.memory_bytes == {"ner": 2**20}
    assert (first.batch_texts, first.cpu_share) == ({}, {})
    assert second.batch_texts == {"ner": 5}  # none of translation
    assert second.cpu_share == {"gateway": 0.5, "ner": 0.5}  # one began again


def test_only_what_is_read_is_kept() -> None:
    kept = kept_lines(BEFORE)
    assert "python_gc" not in kept and "_bucket" not in kept and "# HELP" not in kept
    assert "# TYPE seqserve_queue_texts gauge" in kept


def test_no_page_no_reading() -> None:
    assert readings_of([]) == []


def test_pages_are_asked_for_until_the_end() -> None:
    with served({"/metrics": [(200, BEFORE)]}) as pages:
        scraper = Scraper(f"{pages.url}/metrics", 0.05, {"Authorization": "Bearer k"})
        scraper.start(time.perf_counter())
        time.sleep(0.2)
        scraper.stop()
        n = len(scraper.pages)
        assert n >= 3 and scraper.failure == ""
        assert all(headers["Authorization"] == "Bearer k" for _, headers in pages.asked)
    moments = [at_s for at_s, _ in scraper.pages]
    assert moments == sorted(moments) and moments[-1] == pytest.approx(0.2, abs=0.15)


def test_pages_that_do_not_come_are_told() -> None:
    with served({}) as pages:
        scraper = Scraper(f"{pages.url}/metrics", 0.01)
        scraper.start(time.perf_counter())
        scraper.stop()
    assert "404" in scraper.failure and scraper.pages == []


def test_a_scraper_that_was_not_started_stops() -> None:
    Scraper("http://127.0.0.1:9/metrics", 1.0).stop()
