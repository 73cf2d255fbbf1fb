"""Figures in words: what page, API and terminal say of an account, so that they agree."""
