"""What observations mean over time: pure functions, `now` given."""
