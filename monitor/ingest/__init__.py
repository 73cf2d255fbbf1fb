"""Facts that others send: observations over HTTP, webhooks, and webhooks on their way to the application."""
