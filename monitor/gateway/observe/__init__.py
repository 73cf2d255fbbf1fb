"""What the gateway learns from traffic that passes. A fault here is counted and never touches the traffic."""
