"""A simulated Runway: the API as the official SDKs see it.

`platform` holds the accounts and everything that happens to them, `api` answers calls. Both are pure: the time is an
argument. `server` puts them on HTTP, `control` lets a test change them, `app` serves all of it.
"""
