"""The endpoints of the simulated Runway, and which of them answers a call. Pure."""
