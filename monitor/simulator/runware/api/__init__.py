"""What the simulated Runware answers to each task of a request, over any transport. Pure."""
