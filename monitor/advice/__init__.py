"""`genmedia-monitor advice`: which usage tier would have sufficed, in the terminal."""
