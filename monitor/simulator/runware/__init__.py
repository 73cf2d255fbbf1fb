"""A simulated Runware: tasks over HTTP, event streams and WebSocket, queues that saturate, and a witness.

`account`, `desk` and what they stand on are pure: the time is an argument. `http`, `streams` and `sockets` put them on
the wire. The tables here are the simulator's own, so that it can bear witness against the rest of the program.
"""
