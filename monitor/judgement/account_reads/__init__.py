"""How the reads of an account stand."""
