"""The state of the account reads."""
