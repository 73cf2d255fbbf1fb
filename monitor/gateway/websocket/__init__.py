"""WebSockets on their way (passthrough), and what is read beside them (observer, decoder, frames)."""
