"""What all listeners and clients share: bodies within bounds, the network policy, the defence against web pages."""
