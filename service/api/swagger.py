"""The Swagger page on `/docs`: renders the OpenAPI document with the Swagger UI files of BentoML, offline."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import bentoml
import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

ASSETS = Path(bentoml.__file__).parent / "_internal" / "server" / "static_content"

# By default, Swagger UI sends the address of the document to its public validator.
_START = (
    'SwaggerUIBundle({url: "docs.json", dom_id: "#swagger-ui", deepLinking: true, '
    "defaultModelsExpandDepth: 0, validatorUrl: null})"
)
_PAGE = Template(f"""<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>$title API</title>
  <link rel="stylesheet" href="${{up}}docs/assets/swagger-ui.css">
  <link rel="icon" href="data:,">
</head>
<body>
  <div id="swagger-ui"></div>
  <script src="${{up}}docs/assets/swagger-ui-bundle.js"></script>
  <script>{_START}</script>
</body>
</html>
""")
_START_HASH = base64.b64encode(hashlib.sha256(_START.encode()).digest()).decode()
_HEADERS = {
    # Swagger UI uses style attributes.
    "Content-Security-Policy": "default-src 'none'; "
    f"script-src 'self' 'sha256-{_START_HASH}'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def docs_routes(document: Mapping[str, Any], prefix: str = "") -> list[Route]:
    """Return the routes of the page and its document.

    Args:
        document: The OpenAPI document.
        prefix: Of the paths of the API; the files of the page are those of the page without a prefix.
    """
    up = "../" * prefix.count("/")
    html = _PAGE.substitute(title=escape(document["info"]["title"]), up=up)
    content = orjson.dumps(document)

    async def page(request: Request) -> Response:
        return HTMLResponse(html, headers=_HEADERS)

    async def raw(request: Request) -> Response:
        return Response(content, media_type="application/json")

    return [Route(f"{prefix}/docs", page), Route(f"{prefix}/docs.json", raw)]


def docs_assets() -> Mount:
    """Return the mount of the Swagger UI files."""
    return Mount("/docs/assets", StaticFiles(directory=ASSETS))
