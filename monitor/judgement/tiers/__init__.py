"""Usage tiers: which one an account is at, and which one it needs."""
