"""What every listener and client of the daemon shares: bodies within bounds, the network policy, browsers kept out."""
