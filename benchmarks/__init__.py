"""What the monitor costs, measured beside its peers: `make bench`, or one of the modules by itself."""
