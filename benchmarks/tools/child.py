"""Call a function in a fresh process with an environment of its own: JSON in, JSON out.

Some things can only be measured so: the memory of one model alone, settings that a library reads from its
environment when it is loaded, and load that must not share a process with what it measures.

Arguments and result are converted by the annotations of the function, so both sides see the same types.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar, get_type_hints

from cattrs.preconf.json import make_converter

Result = TypeVar("Result")

_ROOT = Path(__file__).parents[2]
_CONVERTER = make_converter()
_CONVERTER.register_structure_hook(type(None), lambda value, _: value)
_CONVERTER.register_structure_hook(Path, lambda value, _: Path(value))
_CONVERTER.register_unstructure_hook(Path, str)


def run_child(
    call: partial[Result] | Callable[[], Result], environment: Mapping[str, str] | None = None
) -> Result:
    """Call a module's function, maybe with arguments bound by `partial`, in a new process; return its result.

    Raises:
        CalledProcessError: The function failed; its traceback is on stderr.
    """
    bound = call if isinstance(call, partial) else partial(call)
    function = bound.func
    arguments = inspect.signature(function).bind(*bound.args, **bound.keywords).arguments
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.tools.child", function.__module__, function.__name__],
        input=json.dumps(_CONVERTER.unstructure(arguments)).encode(),
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(_ROOT), **(environment or {})},
    )
    if done.returncode:
        sys.stderr.write(done.stderr.decode(errors="replace"))
        done.check_returncode()
    result: Result = _CONVERTER.structure(
        json.loads(done.stdout), get_type_hints(function)["return"]
    )
    return result


def _main() -> None:
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not mix with the result
    function = getattr(importlib.import_module(sys.argv[1]), sys.argv[2])
    hints = get_type_hints(function)
    values = json.load(sys.stdin).items()
    arguments = {name: _CONVERTER.structure(value, hints[name]) for name, value in values}
    json.dump(_CONVERTER.unstructure(function(**arguments)), answer)
    answer.close()


if __name__ == "__main__":
    _main()
