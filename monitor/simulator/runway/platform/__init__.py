"""The accounts of the simulated Runway: credits, queues, tasks and realtime sessions. Pure."""
