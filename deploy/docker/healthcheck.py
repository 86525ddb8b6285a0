"""Exit with 0 if the server in this container is ready.

It imports few modules of the standard library and nothing else, because it runs every ten seconds.
"""

from __future__ import annotations

import http.client
import os
import sys

NAMES = ("SEQSERVE_ADMIN_PORT", "SEQSERVE_PORT", "PORT")
# Kubernetes sets SEQSERVE_PORT=tcp://… where a Service is named `seqserve`.
PORT = next((os.environ[name] for name in NAMES if os.environ.get(name, "").isdecimal()), "3000")

try:
    connection = http.client.HTTPConnection("127.0.0.1", int(PORT), timeout=3)
    connection.request("GET", "/readyz")
    response = connection.getresponse()
    reason = response.read(1000).decode()
except OSError as error:
    sys.exit(f"/readyz: {error}")
if response.status != http.client.OK:
    sys.exit(f"/readyz: {response.status} {reason}")
