"""Call a function in a fresh process with an environment of its own; values are pickled.

Some things can only be measured so: the memory of one model alone, settings that a library reads from its
environment when it is loaded, and load that must not share a process with what it measures.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")

_ROOT = Path(__file__).parents[2]


def run_child(call: Callable[[], Result], environment: Mapping[str, str] | None = None) -> Result:
    """Call a `functools.partial` of a module's function in a new process; return its result.

    Raises:
        CalledProcessError: The function failed; its traceback is on stderr.
    """
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.tools.child"],
        input=pickle.dumps(call),
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(_ROOT), **(environment or {})},
    )
    if done.returncode:
        sys.stderr.write(done.stderr.decode(errors="replace"))
        done.check_returncode()
    result: Result = pickle.loads(done.stdout)
    return result


def _main() -> None:
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not mix with the result
    pickle.dump(pickle.load(sys.stdin.buffer)(), answer)
    answer.close()


if __name__ == "__main__":
    _main()
