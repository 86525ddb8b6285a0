"""The second port: metrics and probes there, and nowhere else."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

import httpx
import pytest

from seqserve.errors import ConfigError
from service.http.admin import AdminServer
from tests.service.api.test_errors import expect
from tests.service.conftest import Server, serving
from tests.serving import START_S, Serve, free_port

HEALTH = ("/livez", "/readyz", "/metrics")


def admin_of(server: Server) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(server.application.admin)
    return httpx.AsyncClient(transport=transport, base_url="http://admin")


@pytest.mark.anyio
async def test_health_moves_to_the_second_port(bundles_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("# nobody\n")
    options = {"admin_port": 1, "api_keys_file": tmp_path / "keys"}
    async with serving(bundles_dir, **options) as server, admin_of(server) as admin:
        for path in HEALTH:
            expect(await server.client.get(path), 404, "not_found")
            answer = await admin.get(path)  # no key is needed on this port
            assert answer.status_code == 200
            assert answer.headers["x-request-id"]
        for path in ("/v1/models", "/docs", "/docs.json", "/docs/assets/swagger-ui.css"):
            expect(await admin.get(path), 404, "not_found")
        document = (await server.client.get("/docs.json")).json()
        assert not set(HEALTH) & set(document["paths"])
        assert "Health" not in document["components"]["schemas"]
        assert 'route="/readyz"' in (await admin.get("/metrics")).text


@pytest.mark.anyio
async def test_it_listens_until_it_is_stopped(server: Server) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    port = free_port()
    admin = AdminServer(server.application.admin, "127.0.0.1", port)
    admin.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        assert (await client.get("/livez")).json() == {"status": "alive"}
        assert signal.getsignal(signal.SIGTERM) is handler
        with pytest.raises(ConfigError, match=f"SEQSERVE_ADMIN_PORT: .*port {port}: "):
            AdminServer(server.application.admin, "127.0.0.1", port).start()
    async with asyncio.timeout(5):
        await admin.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    await AdminServer(server.application.admin, "127.0.0.1", port).stop()  # was never started


def test_a_real_server_with_two_ports(tmp_path: Path, bundles_dir: Path) -> None:
    serve = Serve(
        tmp_path,
        bundles_dir,
        SEQSERVE_ENGINE_FACTORY="tests.fakes:open_engine",
        SEQSERVE_TOPOLOGY="embedded",
        SEQSERVE_ADMIN_PORT=str(port := free_port()),
    )
    main = serve.client
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as admin:
            serve.client = admin
            serve.wait_until_ready(START_S)
            serve.client = main
            assert main.get("/metrics").json()["code"] == "not_found"
            assert serve.post("/v1/ner", "Ann").status_code == 200
            assert 'route="/v1/ner"' in admin.get("/metrics").text
        assert serve.stop() == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/livez", trust_env=False)
    finally:
        serve.kill()
