"""HTTP without any task: middleware, bodies, routes, keys, errors, cross-origin requests, connections."""
