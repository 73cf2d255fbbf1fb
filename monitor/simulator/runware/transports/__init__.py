"""The transports of the simulated Runware: HTTP, event streams, WebSocket, and formats other than task arrays."""
