"""The one writer: observations are queued, written down in the journal, and applied."""
