"""`genmedia-monitor plan`: how long a batch of tasks takes, what holds it up, and what it costs."""
