"""How much a vendor without limits has room for, judged per model from how fast it answers."""
