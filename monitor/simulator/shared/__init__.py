"""What both simulated providers share: the server, the control API, faults, the request log, and time."""
