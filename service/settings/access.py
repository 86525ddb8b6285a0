"""Who may send what to which port."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from service.settings.base import Group, split_list

Host = Annotated[str, Field(pattern=r"^(\*|(\*\.)?[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$")]
Origin = Annotated[str, Field(pattern=r"^(\*|https?://[^\s/,*]+)$")]


class AccessSettings(Group):
    """Keys, origins, hosts and the admin port."""

    api_keys_file: Path | None = Field(
        default=None,
        description="File of the accepted API keys, one per line; `seqserve keys new NAME` creates one. "
        "Reloaded when it changes. Without it, no key is needed.",
    )
    api_keys_scope: Literal["v1", "all"] = Field(
        default="v1",
        description="What requires a key: `v1` is every path under `/v1/` and every route of a dialect, "
        "`all` is everything on the port except the files of the demo page.",
    )
    cors_origins: Annotated[tuple[Origin, ...], NoDecode] = Field(
        default=(),
        description="Origins whose pages may read the responses (CORS); `*` allows all.",
    )
    allowed_hosts: Annotated[tuple[Host, ...], NoDecode] = Field(
        default=("*",),
        min_length=1,
        description="Hosts that a request may name in its `Host` header, without ports; `*.example.org` "
        "is every name below a domain, `*` is every host. Probes may name any.",
    )
    demo: bool = Field(
        default=True,
        description="Whether to serve the demo page on `/`, with its files under `/page/`.",
    )
    admin_host: str = Field(
        default="127.0.0.1", min_length=1, description="Address of the admin port."
    )
    admin_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="A second port for `/metrics`, `/livez` and `/readyz`, which then are not on the "
        "first port, and for `/admin/models/…`, which changes the loaded models.",
    )
    admin_keys_file: Path | None = Field(
        default=None,
        description="File of the keys for `/admin/models/…`, as of `SEQSERVE_API_KEYS_FILE`. Without it, these "
        "routes need no key, and exist only if `SEQSERVE_ADMIN_HOST` is a loopback address.",
    )

    _split_origins_and_hosts = field_validator("cors_origins", "allowed_hosts", mode="before")(
        split_list
    )
