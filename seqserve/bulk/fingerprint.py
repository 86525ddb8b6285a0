"""What an output was made of: written beside it, and compared before the output is resumed.

`OUT.run.json` has the task, its options, the model and the formats, and a digest of the lines that were read.
A resumed run must agree with all of it, or the two halves of the output would not belong together. The input
may have grown: only the lines that were read before are compared. The file stays when a run is complete, so
that its output can be continued with an input that grew, and as a note of what it was made of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from seqserve.errors import DataError, InputError
from seqserve.files import written_whole
from seqserve.strict_json import parse_json

FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """How far the input was read.

    Args:
        line: The last line; 0 if none was read.
        sha256: Digest of the lines up to that one, in hexadecimal.
    """

    line: int = 0
    sha256: str = ""


class LineDigest:
    """Digest of the lines of an input; line ends do not count, which the last line may lack.

    Args:
        expected: What the digest must be at a line.
    """

    def __init__(self, expected: Checkpoint | None = None) -> None:
        self._sha256 = hashlib.sha256()
        self._line = 0
        self._expected = expected or Checkpoint()

    def add(self, line: int, raw: bytes) -> None:
        """Add the next line.

        Raises:
            DataError: The digest differs from the expected one.
        """
        self._sha256.update(raw.rstrip(b"\r\n") + b"\n")
        self._line = line
        if line == self._expected.line and self.checkpoint() != self._expected:
            raise DataError(
                f"the input differs from that of the first run before line {line + 1}: resume with the "
                "same input, to which lines may have been added, or write to another file"
            )

    def finish(self) -> None:
        """End the input.

        Raises:
            DataError: It ends before the line at which a digest is expected.
        """
        if self._line < self._expected.line:
            raise DataError(
                f"the input ends at line {self._line}, and the first run has read it to line "
                f"{self._expected.line}: is it the input of the first run?"
            )

    def checkpoint(self) -> Checkpoint:
        """Return how far the input was read."""
        return Checkpoint(self._line, self._sha256.hexdigest())


@dataclass(frozen=True)
class Fingerprint:
    """What determines the predictions of a run, besides the texts.

    Args:
        run: JSON values by names that are shown in errors, such as `task` and `input format`.
        options: Options of the task, with their defaults.
        model: Name, version and digest of the model; empty until it is known.
    """

    run: Mapping[str, Any]
    options: Mapping[str, Any]
    model: Mapping[str, str] = field(default_factory=dict)

    def differences(self, other: Fingerprint) -> list[str]:
        """Return what differs from another run, in words; models only if both are known."""
        pairs = [(self.run, other.run, ""), (self.options, other.options, "option ")]
        if self.model and other.model:
            pairs.append((self.model, other.model, "model "))
        return [text for mine, theirs, kind in pairs for text in _differences(mine, theirs, kind)]


def _differences(mine: Mapping[str, Any], theirs: Mapping[str, Any], kind: str) -> Iterator[str]:
    for name in sorted({*mine, *theirs}):
        if mine.get(name) != theirs.get(name):
            shown = (orjson.dumps(one.get(name)).decode() for one in (mine, theirs))
            yield f"{kind}{name} ({' before, '.join(shown)} now)"


class RunFile:
    """The file beside an output.

    Args:
        out: The output.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self.path = Path(f"{out}.run.json")

    def write(self, fingerprint: Fingerprint, checkpoint: Checkpoint) -> None:
        """Write the file, completely or not at all.

        Raises:
            OSError: It cannot be written.
        """
        document = {"format": FORMAT, "fingerprint": fingerprint, "input": checkpoint}
        with written_whole(self.path) as path:
            path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))

    def read(self) -> tuple[Fingerprint, Checkpoint]:
        """Read what the output was made of.

        Raises:
            DataError: The file is missing, or cannot be read.
        """
        try:
            document: Any = parse_json(self.path.read_bytes(), what=str(self.path))
            if document["format"] != FORMAT:
                raise ValueError("of another version")
            fingerprint = Fingerprint(**document["fingerprint"])
            if not all(isinstance(one, dict) for one in vars(fingerprint).values()):
                raise TypeError("a part of the fingerprint is no object")
            return fingerprint, Checkpoint(**document["input"])
        except FileNotFoundError:
            fault = f"there is no {self.path}, which an earlier version did not write"
        except (OSError, InputError, KeyError, TypeError, ValueError) as error:
            fault = f"{self.path} cannot be read ({type(error).__name__}: {error})"
        raise DataError(
            f"{self._out} cannot be resumed: {fault}, so that nothing tells what {self._out} was made "
            "of. Remove it and start again, or write to another file"
        )

    def compare(self, before: Fingerprint, now: Fingerprint) -> None:
        """Compare the run that began the output with the one that resumes it.

        Raises:
            DataError: They differ.
        """
        if found := before.differences(now):
            raise DataError(
                f"{self._out} was begun by a run that differs: {'; '.join(found)}. "
                "Resume with the command of that run, or write to another file"
            )
