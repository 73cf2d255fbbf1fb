"""The rolling daily limit of each model: the ledger of acceptances, the forecast, and how good the forecast was."""
