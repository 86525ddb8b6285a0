"""Allowed `Host` headers."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqserve.errors import HostNotAllowed
from service.http.hosts import AllowedHosts
from tests.service.api.test_errors import expect
from tests.service.conftest import serving

HOSTS = AllowedHosts(["models.Example.org", "*.lan", "10.0.0.7", "[::1]"])
ALLOWED = [
    *(
        "models.example.org",
        "MODELS.EXAMPLE.ORG:3000",
        "models.example.org.",
        "a.lan",
        "a.b.lan:80",
    ),
    *("10.0.0.7", "10.0.0.7:3000", "[::1]", "[::1]:3000"),
]
REFUSED = [
    *(
        "",
        "example.org",
        "models.example.org.evil.example",
        "evil-models.example.org",
        "lan",
        "alan",
    ),
    *("10.0.0.70", "[::2]", "::1", "models.example.org@evil.example", "localhost", ".", ":3000"),
]


@pytest.mark.parametrize("host", ALLOWED)
def test_allowed(host: str) -> None:
    HOSTS.check("/v1/ner", host.encode())


@pytest.mark.parametrize("host", REFUSED)
def test_refused(host: str) -> None:
    with pytest.raises(HostNotAllowed):
        HOSTS.check("/v1/ner", host.encode())
    HOSTS.check("/readyz", host.encode())


@pytest.mark.anyio
async def test_every_route_but_the_probes_checks_the_host(bundles_dir: Path) -> None:
    async with serving(bundles_dir, allowed_hosts=("models.example.org",)) as server:
        for path in ("/", "/v1/models", "/docs", "/metrics", "/nowhere"):
            response = await server.client.get(path, headers={"host": "rebound.example"})
            expect(response, 421, "host_not_allowed", "SEQSERVE_ALLOWED_HOSTS")
        for path in ("/livez", "/readyz"):
            response = await server.client.get(path, headers={"host": "10.1.2.3:3000"})
            assert response.status_code == 200
        response = await server.client.get(
            "/v1/models", headers={"host": "models.example.org:3000"}
        )
        assert response.status_code == 200
