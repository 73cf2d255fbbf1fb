"""`genmedia-monitor advice`: which usage tier would have sufficed, or how much to run at once, in the terminal."""
