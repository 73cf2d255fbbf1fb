"""`make demo`: simulated vendors, the monitor, an application of each vendor, and a table of what the monitor sees."""
