"""The settings of a server: the `SEQSERVE_…` environment variables, read once and only here.

The exceptions are SEQSERVE_HOST and SEQSERVE_PORT: defaults of the options `--host` and `--port`, read by
`service.__main__`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from seqserve.errors import ConfigError
from seqserve.quoting import cut
from service.settings.access import AccessSettings
from service.settings.base import PREFIX
from service.settings.limits import LimitSettings
from service.settings.queues import QueueSettings
from service.settings.served import DialectName, ServedSettings
from service.settings.telemetry import TelemetrySettings
from service.settings.timeouts import TimeoutSettings

__all__ = ["PREFIX", "DialectName", "Settings", "load_settings"]

_SET_BY_KUBERNETES = re.compile(r"SEQSERVE_(SERVICE_|PORT$|PORT_)")


class Settings(  # fields are in the order of the bases, the last one first
    TimeoutSettings,
    QueueSettings,
    LimitSettings,
    AccessSettings,
    TelemetrySettings,
    ServedSettings,
    BaseSettings,
):
    """The settings. Field `max_texts` is the variable SEQSERVE_MAX_TEXTS, and so on."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")


def _unknown(names: Iterable[str]) -> list[str]:
    """Return a sentence about the unknown variables with our prefix, if any, except those of Kubernetes."""
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    ours = {name.upper() for name in names if name.upper().startswith(PREFIX)}
    known |= {f"{PREFIX}HOST", f"{PREFIX}PORT"}
    unknown = sorted(name for name in ours - known if not _SET_BY_KUBERNETES.match(name))
    if not unknown:
        return []
    near = [name for one in unknown for name in _near(one, known)]
    guess = f"; did you mean {' or '.join(dict.fromkeys(near))}?" if near else ""
    return [f"unknown: {', '.join(map(cut, unknown))}{guess}; known: {', '.join(sorted(known))}"]


def _near(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three known names like one that is unknown, the nearest first."""
    short = {one.removeprefix(PREFIX): one for one in known}
    found = get_close_matches(name.removeprefix(PREFIX), short, n=3, cutoff=0.6)
    return [short[one] for one in found]


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """Return the settings of this process.

    Raises:
        ConfigError: Variables are unknown, or their values are not allowed; the message names all of them.
    """
    unknown = _unknown(os.environ)
    try:
        settings = Settings()
    except ValidationError as error:
        faults = [
            f"{PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
            if fault["type"] != "default_factory_not_called"  # another setting is at fault
        ]
        raise ConfigError("; ".join([*faults, *unknown])) from None
    if unknown:
        raise ConfigError(*unknown)
    return settings
