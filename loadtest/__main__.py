"""`python -m loadtest`: see `loadtest.command`."""

from __future__ import annotations

import sys

from loadtest.command import main

sys.exit(main())
