"""What is served: the bundles, their tasks, and the APIs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from seqserve.bundle_folder import tasks_in
from seqserve.quoting import cut
from seqserve.tasks import TASKS, Task
from service.routing import TaskRouting, parse_routing
from service.settings.base import Group, split_list

DialectName = Literal[
    "hf", "oip", "libretranslate", "deepl", "label-studio", "aws", "google", "azure"
]
"""The APIs that the server can speak besides its own."""


class ServedSettings(Group):
    """Which models answer, and in which APIs."""

    topology: Literal["runners", "embedded"] = Field(
        default="runners",
        description="`runners`: one process per task. `embedded`: all engines in the gateway's process, "
        "for small hosts.",
    )
    bundles_dir: Path = Field(
        default=Path("bundles"),
        description="Directory of the bundles: `NAME/`, or `NAME/VERSION/` for several versions.",
    )
    default_models: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="The model that answers requests without `model`, per task: `ner=NAME`, or "
        "`translation=NAME@VERSION`, comma-separated. Default: the newest version.",
    )
    max_loaded_models: int = Field(
        default=0,
        ge=0,
        description="Most models of a task in memory. The others are loaded by the first request for them, in "
        "place of the least recently used one. `0`: all are loaded at start.",
    )
    watch_s: float = Field(
        default=0,
        ge=0,
        description="Seconds between two looks at the directory of the bundles; models are reloaded when it "
        "has changed and is stable. `0`: only on request.",
    )
    engine_factory: str = Field(
        default="seqserve.runtime:open_engine",
        pattern=r"^[\w.]+:\w+$",
        description="`module:function` that opens the engine of a bundle's path: the hook for custom "
        "engines.",
    )
    tasks: Annotated[tuple[Task, ...], NoDecode] = Field(
        default_factory=lambda values: tasks_in(values["bundles_dir"]),
        min_length=1,
        description="The tasks to serve; each needs a bundle. Default: those that have one.",
    )
    dialects: Annotated[tuple[DialectName, ...], NoDecode] = Field(
        default=(),
        description="APIs of other services that are answered as well, each below a path of its name; see "
        "dialects.md. Default: none.",
    )
    routing: Annotated[Mapping[Task, TaskRouting], NoDecode] = Field(
        default={},
        description="Weights of the models that answer requests without `model`, and a shadow model, per task: "
        '`{"ner": {"weights": {"a": 95, "b@2": 5}, "shadow": "c"}}`.',
    )

    _split_names = field_validator("tasks", "dialects", "default_models", mode="before")(split_list)

    @field_validator("tasks", "dialects")
    @classmethod
    def _reject_repeated(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"name each one once; repeated: {', '.join(repeated)}")
        return names

    @field_validator("routing", mode="before")
    @classmethod
    def _parse_routing(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return parse_routing(value) if value.strip() else {}

    @field_validator("default_models")
    @classmethod
    def _check_default_models(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        tasks = [one.partition("=")[0] for one in given]
        for one, task in zip(given, tasks, strict=True):
            if task not in TASKS or not one.partition("=")[2]:
                raise ValueError(
                    f"{cut(one)!r} must be TASK=NAME or TASK=NAME@VERSION; tasks: {', '.join(TASKS)}"
                )
        repeated = sorted({task for task in tasks if tasks.count(task) > 1})
        if repeated:
            raise ValueError(f"name one model per task; repeated: {', '.join(repeated)}")
        return given

    def default_model_of(self, task: Task) -> str | None:
        """Return the name or id of a task's default model, if it is set."""
        named = dict(one.split("=", 1) for one in self.default_models)
        return named.get(task)
