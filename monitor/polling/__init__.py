"""Our own requests to the providers on a schedule: account reads, and tasks that nobody polls any more."""
