"""`make demo`: a simulated Runway, the monitor, an application, and a table of what the monitor sees."""
