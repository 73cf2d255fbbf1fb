"""The accounts of the simulated Runware: balance, queues, tasks and sessions. Pure."""
