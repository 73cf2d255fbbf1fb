"""What the figures of an account mean: how close its limits are, until when, and what to do.

One folder a topic. `state` is what a topic keeps between evaluations, `rows` its table; the other modules are pure.
`evaluate` asks every topic and builds the snapshot.
"""
