"""A simulated Runware: tasks over HTTP, event streams and WebSocket, and queues that saturate.

`platform` holds the accounts and everything that happens to them, `api` answers tasks. Both are pure: the time is an
argument. `transports` put them on the wire, `control` lets a test change them, `app` serves all of it.
"""
