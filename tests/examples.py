"""`python -m tests.examples`: send the examples of /docs.json to the shipped bundles and store the answers."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from service.api.examples import FILE, Example, load_examples
from tests.serving import ROOT, running_server

EXCERPT = ("seqserve_model_up", "seqserve_model_info")  # what the example of /metrics shows


def ask(client: httpx.Client, example: Example) -> httpx.Response:
    return client.request(example.method, example.path, json=example.request)


def answer_of(response: httpx.Response) -> Any:
    if "json" in response.headers["content-type"]:
        return response.json()
    lines = response.text.splitlines(keepends=True)
    return "".join(
        line
        for line in lines
        if line.removeprefix("# HELP ").removeprefix("# TYPE ").startswith(EXCERPT)
    )


def rewrite(client: httpx.Client, file: Path = FILE) -> None:
    """Send the examples of a file whose routes are served, and store the answers."""
    served = client.get("/docs.json").json()["paths"]
    written = []
    for example in load_examples(file):
        if example.path not in served:
            written.append(_without_none(dataclasses.asdict(example)))
            continue
        response = ask(client, example)
        if response.status_code != example.status:
            raise SystemExit(
                f"{example.path} {example.name}: {response.status_code}: {response.text}"
            )
        fields = dataclasses.asdict(example) | {"answer": answer_of(response)}
        written.append(_without_none(fields))
    file.write_text(json.dumps(written, ensure_ascii=False, indent=1) + "\n")


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def main() -> int:
    with (
        TemporaryDirectory() as name,
        running_server(Path(name), ROOT / "bundles", SEQSERVE_TOPOLOGY="embedded") as serve,
    ):
        rewrite(serve.client)
    return 0


if __name__ == "__main__":
    sys.exit(main())
