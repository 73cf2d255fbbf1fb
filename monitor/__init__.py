"""Watches how an application uses generative-media APIs and warns before a limit is hit."""

__version__ = "0.1.0"
