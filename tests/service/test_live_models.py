"""Versions are swapped on a whole server, with its runners, while requests are answered."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

from tests import fakes
from tests.service.engines.test_models import version
from tests.serving import FAKES, START_S, Serve, running_server

N_SWAPS = 3


def models_of(serve: Serve) -> dict[str, str]:
    models = serve.client.get("/v1/models").json()["models"]
    return {one["version"]: one["state"] for one in models if one["task"] == "ner"}


def wait_for(serve: Serve, states: dict[str, str]) -> None:
    end = time.monotonic() + START_S
    while models_of(serve) != states:
        assert time.monotonic() < end, models_of(serve)
        time.sleep(0.05)


@pytest.mark.parametrize("topology", ["runners", "embedded"])
def test_a_hangup_reloads_and_no_request_fails(tmp_path: Path, topology: str) -> None:
    folder = fakes.write_bundles(tmp_path / "bundles")
    shutil.rmtree(folder / "ner-en")
    version(folder, "1.0")
    statuses: list[int] = []
    is_over = threading.Event()
    with running_server(
        tmp_path, folder, SEQSERVE_TOPOLOGY=topology, SEQSERVE_TASKS="ner", **FAKES
    ) as serve:

        def send() -> None:
            while not is_over.wait(0.02):
                statuses.append(serve.post("/v1/ner", ["Ann", "Bob"]).status_code)

        sending = threading.Thread(target=send)
        sending.start()
        try:
            for number in range(2, 2 + N_SWAPS):
                version(folder, f"{number}.0")
                shutil.rmtree(folder / "ner-en" / f"{number - 1}.0")
                serve.process.send_signal(signal.SIGHUP)
                wait_for(serve, {f"{number}.0": "ready"})
        finally:
            is_over.set()
            sending.join()
        assert set(statuses) == {200} and len(statuses) > N_SWAPS
        assert serve.process.poll() is None


@pytest.mark.parametrize("topology", ["runners", "embedded"])
def test_a_request_loads_a_model_in_place_of_another(tmp_path: Path, topology: str) -> None:
    folder = fakes.write_bundles(tmp_path / "bundles")
    shutil.rmtree(folder / "ner-en")
    for i in range(1, 5):
        version(folder, f"{i}.0")
    limits = {"SEQSERVE_MAX_LOADED_MODELS": "2", "SEQSERVE_TASKS": "ner"}
    with running_server(tmp_path, folder, SEQSERVE_TOPOLOGY=topology, **limits, **FAKES) as serve:
        warm = {"4.0": "ready", "3.0": "ready", "2.0": "unloaded", "1.0": "unloaded"}
        wait_for(serve, warm)
        for number in ("1.0", "2.0"):
            body = {"text": "Ann", "model": f"ner-en@{number}"}
            response = serve.client.post("/v1/ner", json=body)
            assert (response.status_code, response.json()["version"]) == (200, number)
            wait_for(serve, {one: "unloaded" for one in warm} | {"4.0": "ready", number: "ready"})
