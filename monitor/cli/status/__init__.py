"""`genmedia-monitor status`: what a running daemon knows, in a terminal. A client of its JSON API and nothing more."""
