"""What both simulated providers share: server, control API, accounts and keys, queues, faults, request log, time."""
