"""Engines in this process or in a runner: host, client side, RPC and health checks."""
