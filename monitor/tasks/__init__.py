"""The life of a task: its transitions, what each of them counts, and which models may be labels.

Everything but the `rows` modules is pure. Those hold the queries, as plain functions that take a connection.
"""
