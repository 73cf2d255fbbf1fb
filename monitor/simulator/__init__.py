"""A simulated Runway: the vendor's API as the official SDKs see it, with faults and a witness.

`simulation`, `organization` and what they stand on are pure: the time is an argument. `server` puts them on HTTP, and
`app` serves them. The package `runware` simulates Runware likewise.
The tables here are the simulator's own, so that it can bear witness against the rest of the program.
"""
