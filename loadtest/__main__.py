"""`python -m loadtest`: see `loadtest.command`. Locust comes first, since it patches the standard library."""

from __future__ import annotations

import sys

import locust  # noqa: F401

from loadtest.command import main

sys.exit(main())
