"""Simulated providers with faults and a request log, for tests and demonstrations.

`runway` and `runware` are twins: the same topic has the same file in both. `shared` holds what is the same code.
The tables here are the simulator's own. They share nothing with the rest of the program, so that the simulator can
check the program's figures independently.
"""
