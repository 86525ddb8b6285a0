"""A defined environment for the tests, whatever shell, service or scheduler started them.

Without it, results depend on the language and time zone of the user, on the width of a terminal, on settings of
a server on the same machine, on options of the `make` that runs pytest, or on the signals that `nohup` ignores.
"""

from __future__ import annotations

import os
import re
import signal
import tempfile
import time
from collections.abc import MutableMapping

_REMOVED = re.compile(
    r"SEQSERVE_|OTEL_|BENTOML_|LOCUST_"  # settings of a server or a load generator
    r"|OMP_|GOMP_|KMP_|MKL_|OPENBLAS_|ORT_|CT2_|MALLOC_"  # threads and kernels
    r"|LC_|LANGUAGE$"
    r"|(NO_COLOR|FORCE_COLOR|CLICOLOR|CLICOLOR_FORCE|PY_COLORS|CI|GITHUB_ACTIONS|TTY_\w+|LINES|COLORTERM)$"
    r"|(MAKEFLAGS|MFLAGS|MAKELEVEL|MAKEOVERRIDES|GNUMAKEFLAGS|MAKEFILES)$"
    r"|(HTTP|HTTPS|ALL|FTP)_PROXY$"
    r"|(HF|HUGGINGFACE|XDG)_"
    r"|(PYTHONWARNINGS|PYTHONOPTIMIZE|PYTHONINSPECT|PYTHONSAFEPATH|PYTHONPATH)$",
    re.IGNORECASE,
)
_LONGEST_TMPDIR = (
    24  # a socket in a test's folder has about 75 characters more, and the limit is 103
)
_FIXED = {
    "COLUMNS": "100",
    "HF_HUB_OFFLINE": "1",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "TZ": "UTC",
}


def clean(environment: MutableMapping[str, str], home: str) -> None:
    """Remove the variables that change results and set the others to fixed values.

    Args:
        environment: Is changed in place.
        home: The home directory to use.
    """
    for name in [name for name in environment if _REMOVED.match(name)]:
        del environment[name]
    environment.setdefault("PATH", os.defpath)
    environment.update(_FIXED, HOME=home)


def enter() -> tempfile.TemporaryDirectory[str]:
    """Clean the environment, signals and umask of this process, which its children inherit.

    Returns:
        The home directory, to be removed at the end.
    """
    if len(os.fsencode(tempfile.gettempdir())) > _LONGEST_TMPDIR:
        os.environ["TMPDIR"] = tempfile.tempdir = "/tmp"
    home = tempfile.TemporaryDirectory(prefix="home-")
    clean(os.environ, home.name)
    time.tzset()
    os.umask(0o022)
    # Shells and nohup start background processes with some signals ignored.
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD, signal.SIGQUIT, signal.SIGTSTP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    return home
