from stores import database, database_url  # noqa: F401
