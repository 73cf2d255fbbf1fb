from stores import database_url  # noqa: F401
