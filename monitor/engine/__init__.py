"""The one writer: observations are queued, appended to the journal, and applied."""
