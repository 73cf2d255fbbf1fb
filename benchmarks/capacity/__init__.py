"""What following the recommended concurrency is worth, in a simulated overload."""
