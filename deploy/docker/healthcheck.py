"""Exit with 0 if the server in this container is ready.

Only the standard library, and of that little: it runs every ten seconds.
"""

from __future__ import annotations

import http.client
import os
import sys

PORT = os.environ.get("SEQSERVE_ADMIN_PORT") or os.environ.get("PORT") or "3000"

try:
    connection = http.client.HTTPConnection("127.0.0.1", int(PORT), timeout=3)
    connection.request("GET", "/readyz")
    response = connection.getresponse()
    reason = response.read(1000).decode()
except OSError as error:
    sys.exit(f"/readyz: {error}")
if response.status != http.client.OK:
    sys.exit(f"/readyz: {response.status} {reason}")
