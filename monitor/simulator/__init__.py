"""A simulated Runway: the vendor's API as the official SDKs see it, with faults and a witness.

`api`, `organization` and what they stand on are pure: the time is an argument. `server` puts them on HTTP.
The tables here are the simulator's own, so that it can bear witness against the rest of the program.
"""
