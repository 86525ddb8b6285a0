"""A suite of measurements: its parts, their record as JSON, and their tables in a page of docs/."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.tools.workspace import Report, Workspace
from loadtest.machine import Machine, describe_machine
from seqserve.config import from_mapping, to_mapping
from seqserve.errors import ConfigError, DataError
from seqserve.evaluation.markdown import replace_section, table_lines
from seqserve.files import written_whole
from seqserve.tasks import SHIPPED


@dataclass(frozen=True)
class MeasuredBundle:
    """A bundle that was measured.

    Args:
        version: Of the model.
        precision: Of its graphs.
        sha256: Over all its files.
        changes: Changes of its metrics by int8, from the manifest.
    """

    version: str
    precision: str
    sha256: str
    changes: dict[str, float]


@dataclass(frozen=True)
class Record:
    """All results of one machine and one set of bundles.

    Args:
        machine: Where.
        bundles: Which, by name.
        size: Name of the size.
        seed: Of samples and orders.
        parts: Results by part, as JSON values; None: not measured.
    """

    machine: Machine
    bundles: dict[str, MeasuredBundle]
    size: str
    seed: int
    parts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """One question.

    Args:
        title: Heading of its table.
        measure: Returns a dataclass, or a tuple of dataclasses.
        kind: That dataclass.
        lines: Formats the result as Markdown.
    """

    title: str
    measure: Callable[[Workspace, Any, Report], Any]
    kind: type[Any]
    lines: Callable[[Any], Iterator[str]]


@dataclass(frozen=True)
class Suite:
    """Parts that share a record and a page.

    Args:
        section: Name of the section of the page.
        parts: By name.
        tools: Packages whose versions matter.
        closing: Formats what follows the parts.
    """

    section: str
    parts: Mapping[str, Part]
    tools: tuple[str, ...]
    closing: Callable[[Record], Iterator[str]] = lambda record: iter(())

    def measure(
        self, names: Sequence[str], space: Workspace, size: Any, path: Path, report: Report
    ) -> None:
        """Measure parts, or all of them, and add each to the record when it is complete.

        Raises:
            ConfigError: There is no part of that name.
            DataError: A server refuses requests.
        """
        if unknown := ", ".join(sorted(set(names) - set(self.parts))):
            raise ConfigError(f"there is no part {unknown}; there are {', '.join(self.parts)}")
        machine = describe_machine(self.tools)
        now = Record(machine, _describe_bundles(space), size.name, space.seed)
        for name in names or self.parts:
            add_part(path, now, name, self.parts[name].measure(space, size, report))

    def show(self, path: Path, page: Path | None) -> str:
        """Format the records of all machines as tables, and replace the section of a page.

        Raises:
            DataError: The records cannot be read, or the page has no such section.
        """
        text = "\n\n".join(self._show_one(record, path) for record in read_records(path))
        if page:
            replace_section(page, self.section, text)
        return text

    def _show_one(self, record: Record, path: Path) -> str:
        lines = [f"### {record.machine.cpu}", "", _machine_line(record.machine), ""]
        lines += _bundle_lines(record.bundles)
        if record.size != "full":
            lines += ["", f"**Size {record.size}: few and short rounds.**"]
        for name, part in self.parts.items():
            if (values := record.parts.get(name)) is not None:
                result = decoded(part, values, f"{path}: {name}")
                lines += ["", f"#### {part.title}", "", *part.lines(result)]
        return "\n".join([*lines, *self.closing(record)])


def _describe_bundles(space: Workspace) -> dict[str, MeasuredBundle]:
    found = {}
    for task in SHIPPED:
        bundle = space.bundle(task)
        of = bundle.manifest
        changes = {k.removesuffix("_change"): v for k, v in of.metrics.items() if "_change" in k}
        found[of.name] = MeasuredBundle(of.version, of.precision, bundle.sha256, changes)
    return found


def decoded(part: Part, values: Any, where: str) -> Any:
    """Build the result of a part from JSON values."""
    if isinstance(values, list):
        return tuple(from_mapping(part.kind, one, where) for one in values)
    return from_mapping(part.kind, values, where)


def add_part(path: Path, now: Record, name: str, result: Any) -> None:
    """Add a part to the record of this machine, in place of an older result for it.

    Args:
        path: The file of all records.
        now: What holds now, without parts. Parts of the same machine that were measured with other bundles,
            packages, size or seed stay in a record of their own until they are measured again.
        name: Of the part.
        result: What was measured.
    """
    before = read_records(path) if path.exists() else []
    values = list(map(to_mapping, result)) if isinstance(result, tuple) else to_mapping(result)
    same = [one for one in before if _is_same_cpu(one, now)]
    kept = next((one.parts for one in same if replace(one, parts=now.parts) == now), now.parts)
    records = [replace(now, parts={**kept, name: values})]
    for one in same:
        others = {key: part for key, part in one.parts.items() if key != name}
        if others and replace(one, parts=now.parts) != now:
            records.append(replace(one, parts=others))
    place = before.index(same[0]) if same else len(before)
    rest = [one for one in before if one not in same]
    records = [*rest[:place], *records, *rest[place:]]
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as partial:
        text = json.dumps(list(map(to_mapping, records)), indent=1, ensure_ascii=False)
        partial.write_text(text + "\n", encoding="utf-8")


def _is_same_cpu(record: Record, other: Record) -> bool:
    """Return whether two records are of the same type of processor, and of as many cores of it."""
    one, two = record.machine, other.machine
    return (one.cpu, one.family, one.cores) == (two.cpu, two.family, two.cores)


def read_records(path: Path) -> list[Record]:
    """Load what `add_part` wrote: of a type of processor the latest record first.

    Raises:
        DataError: The file is missing or no JSON list.
        ConfigError: An entry is not a record.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}; measure again") from error
    if not isinstance(values, list):
        raise DataError(f"{path} holds no list of records; measure again")
    return [from_mapping(Record, one, str(path)) for one in values]


def _machine_line(machine: Machine) -> str:
    """Format the machine and the versions of packages."""
    tools = ", ".join(f"{tool} {version}" for tool, version in machine.tools.items())
    return (
        f"**Machine.** {machine.cpu} ({machine.family}), {machine.cores} cores, "
        f"{machine.memory_gib:g} GiB, {machine.system}, Python {machine.python}; {tools}. "
        f"Instruction sets: {', '.join(machine.flags)}."
    )


def _bundle_lines(bundles: Mapping[str, MeasuredBundle]) -> Iterator[str]:
    """Format the bundles that were measured as a table."""
    rows = ((name, b.version, b.precision, f"`{b.sha256}`") for name, b in bundles.items())
    yield from table_lines(("bundle", "version", "precision", "SHA-256"), rows)
