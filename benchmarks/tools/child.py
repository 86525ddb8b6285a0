"""A function run in a fresh process, with an environment of its own: JSON values in, JSON values out.

Some things can be measured no other way: the memory of one model alone, and settings that a library reads
from its environment when it is loaded.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]


def run_child(
    target: str, arguments: Mapping[str, Any], environment: Mapping[str, str] | None = None
) -> Any:
    """Call `module:function` with keyword arguments in a new process and give what it returned.

    Raises:
        CalledProcessError: The function failed; its traceback is on stderr.
    """
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.tools.child", target],
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(_ROOT), **(environment or {})},
    )
    if done.returncode:
        sys.stderr.write(done.stderr)
        done.check_returncode()
    return json.loads(done.stdout.splitlines()[-1])


def _main() -> None:
    module, _, function = sys.argv[1].partition(":")
    value = getattr(importlib.import_module(module), function)(**json.load(sys.stdin))
    sys.stdout.write(f"\n{json.dumps(value)}\n")


if __name__ == "__main__":
    _main()
