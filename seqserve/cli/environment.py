"""The environment that training on a CPU needs; the process restarts itself with it.

The C library and OpenMP read these variables when a process starts: setting `os.environ` is too late.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

TRAINING = {
    # Keep freed memory: otherwise large tensors go back to the system and are mapped again at every step.
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "268435456",
    # Threads that wait for work sleep, so that they do not take the CPU from other processes.
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "0",
}
_COMMANDS = (["train"], ["dev", "ablate"], ["dev", "zoo"])


def environment_for(words: Sequence[str], environment: Mapping[str, str]) -> dict[str, str] | None:
    """Return the environment that a command line has to be started again with.

    Args:
        words: The command line without the program.
        environment: The current one; values in it are kept.

    Returns:
        None if the command trains nothing, or all variables are set.
    """
    trains = any(list(words[: len(one)]) == one for one in _COMMANDS)
    if not trains or "--help" in words or TRAINING.keys() <= environment.keys():
        return None
    return {**TRAINING, **environment}


def restart_for_training() -> None:
    """Replace this process by the same command in the environment that it needs."""
    environment = environment_for(sys.argv[1:], os.environ)
    if environment is not None:
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
