"""HTTP: middleware, bodies, routes, keys, cross-origin requests, connections."""
