"""How much a provider without limits has room for, judged by model from how fast it answers."""
