"""When a limit will be hit: estimates from evidence, warnings that do not flap, and how good they were."""
