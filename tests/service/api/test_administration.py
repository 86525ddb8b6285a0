"""Models change while the server answers: over the admin port, and when the folder changes."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.api.administration import may_change_models
from service.settings import Settings
from tests import fakes
from tests.service.api.test_errors import expect
from tests.service.conftest import Server, serving
from tests.service.engines.test_models import damage, version

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def operating(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(server.application.admin)
    async with httpx.AsyncClient(transport=transport, base_url="http://admin") as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    directory = fakes.write_bundles(tmp_path / "bundles")
    shutil.rmtree(directory / "ner-en")
    version(directory, "1.0")
    return directory


async def ner_versions(server: Server) -> dict[str, str]:
    models = (await server.client.get("/v1/models")).json()["models"]
    return {one["version"]: one["state"] for one in models if one["task"] == "ner"}


async def until_states(server: Server, states: dict[str, str]) -> None:
    async with asyncio.timeout(20):
        while await ner_versions(server) != states:
            await asyncio.sleep(0.01)


async def test_reload_over_the_admin_port(folder: Path) -> None:
    async with serving(folder) as server, operating(server) as admin:
        version(folder, "2.0")
        shutil.rmtree(folder / "ner-en" / "1.0")
        answer = (await admin.post("/admin/models/reload")).json()
        assert answer["changes"] == {
            "ner": {
                "loaded": ["ner-en@2.0"],
                "unloading": ["ner-en@1.0"],
                "failed": {},
                "fault": None,
            }
        }
        assert answer["models"][0]["id"] == "ner-en@2.0"
        assert (await server.post("/v1/ner", {"text": "a"})).json()["version"] == "2.0"
        await until_states(server, {"2.0": "ready"})
        assert (await admin.post("/admin/models/reload")).json()["changes"] == {}


async def test_a_model_is_not_dropped_before_its_requests_are_answered(folder: Path) -> None:
    async with serving(folder) as server, operating(server) as admin:
        old = fakes.OPENED_BY_ID["ner-en@1.0"]
        old.may_go_on.clear()
        pending = [
            asyncio.create_task(server.post("/v1/ner", {"text": f"Ann {i}"})) for i in range(3)
        ]
        await asyncio.sleep(0.05)
        version(folder, "2.0")
        shutil.rmtree(folder / "ner-en" / "1.0")
        await admin.post("/admin/models/reload")
        await asyncio.sleep(1.5)  # longer than the time between two pings
        assert await ner_versions(server) == {"2.0": "ready", "1.0": "unloading"}
        refused = await server.post("/v1/ner", {"text": "a", "model": "ner-en@1.0"})
        expect(refused, 503, "model_unavailable", "ner-en@1.0 is being unloaded.")
        old.may_go_on.set()
        answers = await asyncio.gather(*pending)
        assert [one.json()["version"] for one in answers] == ["1.0"] * 3
        await until_states(server, {"2.0": "ready"})


async def test_a_bundle_that_fails_is_reported_and_the_old_version_answers(folder: Path) -> None:
    async with serving(folder) as server, operating(server) as admin:
        damage(version(folder, "2.0"))
        changes = (await admin.post("/admin/models/reload")).json()["changes"]["ner"]
        assert "config.json has 3 bytes" in changes["failed"]["ner-en@2.0"]
        assert await ner_versions(server) == {"1.0": "ready", "2.0": "failed"}
        assert (await server.post("/v1/ner", {"text": "a"})).json()["version"] == "1.0"
        assert (await server.client.get("/readyz")).status_code == 200
        labels = 'model="ner-en",task="ner",version="2.0"'
        page = (await server.client.get("/metrics")).text
        line = re.search(rf"seqserve_model_load_failures_total{{{labels}}} (\S+)", page)
        assert line and float(line[1]) >= 1


BROKEN = "manifest.json is not JSON"


async def test_a_manifest_that_cannot_be_read_is_reported_and_its_model_answers(
    folder: Path,
) -> None:
    async with serving(folder) as server, operating(server) as admin:
        manifest = folder / "ner-en" / "1.0" / "manifest.json"
        whole = manifest.read_text()
        manifest.write_text(whole[:50])
        answer = (await admin.post("/admin/models/reload")).json()
        assert BROKEN in answer["changes"]["ner"]["failed"]["ner-en@1.0"]
        (model,) = [one for one in answer["models"] if one["task"] == "ner"]
        assert model["state"] == "ready" and BROKEN in model["reason"]
        assert (await server.post("/v1/ner", {"text": "a"})).status_code == 200
        manifest.write_text(whole)
        assert (await admin.post("/admin/models/reload")).json()["changes"] == {}
        (model,) = [one for one in server.application.core.models() if one.task == "ner"]
        assert (model.state, model.reason) == ("ready", None)


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [("{", BROKEN), ("{}", "has no task"), ('{"task": "nre"}', "has the task 'nre'; tasks are")],
)
async def test_a_new_manifest_that_tells_no_task_is_reported_once(
    folder: Path, manifest: str, reason: str
) -> None:
    async with serving(folder) as server, operating(server) as admin:
        (folder / "new" / "2").mkdir(parents=True)
        (folder / "new" / "2" / "manifest.json").write_text(manifest)
        changes = (await admin.post("/admin/models/reload")).json()["changes"]
        assert [list(one["failed"]) for one in changes.values()] == [["new/2"]]
        assert reason in changes["ner"]["failed"]["new/2"]
        assert await ner_versions(server) == {"1.0": "ready"}


async def test_a_manifest_without_a_table_of_files_is_a_failed_model(folder: Path) -> None:
    async with serving(folder) as server, operating(server) as admin:
        manifest = version(folder, "2.0") / "manifest.json"
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"files": ["a"]}))
        changes = (await admin.post("/admin/models/reload")).json()["changes"]
        assert "expected a table, got list (['a'])" in changes["ner"]["failed"]["ner-en@2.0"]
        assert await ner_versions(server) == {"1.0": "ready", "2.0": "failed"}


async def test_load_and_unload_by_name(folder: Path) -> None:
    version(folder, "2.0")
    async with serving(folder) as server, operating(server) as admin:
        await admin.post("/admin/models/unload", json={"model": "ner-en@2.0"})
        assert (await server.post("/v1/ner", {"text": "a"})).json()["version"] == "1.0"
        await until_states(server, {"1.0": "ready"})
        answer = await admin.post("/admin/models/load", json={"model": "ner-en@2.0"})
        assert answer.json()["changes"]["ner"]["loaded"] == ["ner-en@2.0"]
        assert (await server.post("/v1/ner", {"text": "a"})).json()["version"] == "2.0"


MALFORMED = 'The body must be {"model": "NAME"}'


@pytest.mark.parametrize(
    ("path", "body", "code", "detail"),
    [
        ("load", {"model": "nobody"}, "unknown_model", "there is no nobody. Available models: ner"),
        ("unload", {"model": "nobody"}, "unknown_model", "there is no nobody."),
        ("load", {"model": "n" * 5000}, "unknown_model", f"there is no {'n' * 40}.... Available"),
        ("unload", {"model": "ner-en"}, "invalid_field", "no other model of ner is ready."),
        ("load", {"model": ""}, "invalid_field", MALFORMED),
        ("load", {"model": 1}, "invalid_field", MALFORMED),
        ("load", {"name": "a"}, "invalid_field", MALFORMED),
        ("load", [], "invalid_field", MALFORMED),
    ],
)
async def test_commands_that_are_refused(
    folder: Path, path: str, body: Any, code: str, detail: str
) -> None:
    async with serving(folder) as server, operating(server) as admin:
        expect(await admin.post(f"/admin/models/{path}", json=body), 422, code, detail)
        assert await ner_versions(server) == {"1.0": "ready"}


async def test_engines_that_are_down_are_a_fault_of_their_task(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(change: object) -> None:
        raise OSError("a secret path")

    async with serving(folder) as server, operating(server) as admin:
        monkeypatch.setattr(server.application.core.engines["ner"], "change", fail)
        changes = (await admin.post("/admin/models/reload")).json()["changes"]
        assert changes["ner"]["fault"] == "the engines do not answer; the log has the details"


async def test_the_routes_are_not_on_the_first_port(server: Server) -> None:
    assert (await server.post("/admin/models/reload", {})).status_code == 404


@pytest.mark.parametrize(
    ("host", "has_keys", "may"),
    [
        ("127.0.0.1", False, True),
        ("::1", False, True),
        ("localhost", False, True),
        ("0.0.0.0", False, False),
        ("10.0.0.1", False, False),
        ("example.org", False, False),
        ("0.0.0.0", True, True),
    ],
)
def test_without_keys_only_this_machine_changes_models(
    tmp_path: Path, host: str, has_keys: bool, may: bool
) -> None:
    keys = tmp_path / "keys" if has_keys else None
    assert may_change_models(Settings(admin_host=host, admin_keys_file=keys)) == may


async def test_the_keys_of_the_admin_port(folder: Path, tmp_path: Path) -> None:
    from service.http.keys import new_key

    key, line = new_key("ops")
    (tmp_path / "keys").write_text(line + "\n")
    async with (
        serving(folder, admin_keys_file=tmp_path / "keys") as server,
        operating(server) as admin,
    ):
        expect(await admin.post("/admin/models/reload"), 401, "missing_key")
        wrong = {"Authorization": "Bearer wrong"}
        expect(await admin.post("/admin/models/reload", headers=wrong), 403, "unknown_key")
        right = {"Authorization": f"Bearer {key}"}
        assert (await admin.post("/admin/models/reload", headers=right)).status_code == 200
        assert (await admin.get("/livez")).status_code == 200


async def test_the_folder_is_watched(folder: Path) -> None:
    async with serving(folder, watch_s=0.05) as server:
        version(folder, "2.0")
        await until_states(server, {"2.0": "ready", "1.0": "ready"})
        shutil.rmtree(folder / "ner-en" / "1.0")
        await until_states(server, {"2.0": "ready"})


async def test_reloads_do_not_overlap_and_none_is_lost(folder: Path) -> None:
    async with serving(folder) as server:
        server.application.models.reload_soon()
        version(folder, "2.0")
        server.application.models.reload_soon()
        await until_states(server, {"2.0": "ready", "1.0": "ready"})


N_SWAPS = 20


async def send(server: Server, seconds: float, every_s: float) -> list[tuple[int, float]]:
    """Send requests at a fixed rate; return their statuses and the seconds that they took."""
    sent: list[tuple[int, float]] = []

    async def one() -> None:
        started = time.perf_counter()
        response = await server.post("/v1/ner", {"text": ["Ann", "Bob"]})
        sent.append((response.status_code, time.perf_counter() - started))

    end = time.perf_counter() + seconds
    async with asyncio.TaskGroup() as group:
        while time.perf_counter() < end:
            group.create_task(one())
            await asyncio.sleep(every_s)
    return sent


async def test_no_request_fails_while_models_are_swapped(folder: Path) -> None:
    """Requests arrive at a fixed rate through 20 swaps of the version that answers."""
    async with serving(folder) as server, operating(server) as admin:

        async def swap() -> None:
            for number in range(2, 2 + N_SWAPS):
                version(folder, f"{number}.0")
                shutil.rmtree(folder / "ner-en" / f"{number - 1}.0")
                changes = (await admin.post("/admin/models/reload")).json()["changes"]["ner"]
                assert changes["loaded"] == [f"ner-en@{number}.0"]

        swapping = asyncio.create_task(swap())
        sent = []
        while not swapping.done():
            sent += await send(server, 0.5, 0.01)
        await swapping
        assert {status for status, _ in sent} == {200}
        await until_states(server, {f"{N_SWAPS + 1}.0": "ready"})


async def test_no_request_waits_while_a_model_is_loaded(folder: Path) -> None:
    async with (
        serving(folder, engine_factory="tests.fakes:open_engine_late") as server,
        operating(server) as admin,
    ):
        await until_states(server, {"1.0": "ready"})
        version(folder, "2.0")
        reload = asyncio.create_task(admin.post("/admin/models/reload"))
        sent = await send(server, 0.8 * fakes.LATE_S, 0.01)
        assert not reload.done()
        assert {status for status, _ in sent} == {200}
        # Of requests that waited until the model is loaded, at least half would take longer.
        n_slow = sum(seconds > fakes.LATE_S / 2 for _, seconds in sent)
        assert n_slow < 0.1 * len(sent)
        assert (await reload).json()["changes"]["ner"]["loaded"] == ["ner-en@2.0"]
