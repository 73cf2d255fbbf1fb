"""The transports of the simulated Runware: HTTP, event streams, WebSocket, and formats of other providers."""
