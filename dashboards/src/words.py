"""Selectors, colours and grades that all boards share. docs/reference/metrics.md explains the values of labels."""

from __future__ import annotations

OK, SOFT, HARD = "green", "orange", "red"
PLAIN, FAINT = "blue", "#8e8e8e"

SELECTORS = {
    "@account": 'provider=~"$provider",account=~"$account"',
    "@model": 'provider=~"$provider",account=~"$account",model=~"$model"',
    # The chosen models' series and those of the whole account, whose model is empty.
    "@limits": 'provider=~"$provider",account=~"$account",model=~"$model|"',
    # Alerts on the monitor itself carry neither provider nor account.
    "@alerts": 'provider=~"$provider|",account=~"$account|",model=~"$model|"',
}

STATUS = {"pending": "blue", "throttled": SOFT, "running": OK}
TASK_OUTCOME = {"succeeded": OK, "failed": HARD, "cancelled": FAINT, "lost": "purple"}
KIND = {"create": OK, "poll": "blue", "account": "purple", "delete": SOFT, "other": FAINT}
OUTCOME = {
    "success": OK,
    "partial": "light-yellow",
    "task_failed": "yellow",
    "benign_not_found": FAINT,
    "invalid_request": "light-blue",
    "insufficient_credits": "dark-orange",
    "unauthorized": "purple",
    "forbidden": "dark-purple",
    "not_found": "light-purple",
    "rate_limited": SOFT,
    "client_error": "blue",
    "overloaded": "light-red",
    "server_error": HARD,
    "redirected": "dark-yellow",
    "truncated": "semi-dark-red",
    "timeout": "dark-red",
    "unreachable": "dark-red",
    "client_gone": "text",
}
REASON = {
    "moderation_input": SOFT,
    "moderation_output": "dark-orange",
    "moderation": "light-orange",
    "asset": "light-blue",
    "invalid_input": "blue",
    "bad_output": "purple",
    "rate_limit": "light-yellow",
    "capacity": "yellow",
    "timeout": "dark-red",
    "upstream": HARD,
    "internal": "light-red",
    "credits": "dark-yellow",
    "auth": "dark-purple",
    "other": FAINT,
}
LEVEL = {"soft": SOFT, "hard": HARD}
AUTOBILLING = {"ok": OK, "due": "blue", "overdue": SOFT, "clipped": "yellow", "stopped": HARD}


def select(expression: str) -> str:
    """The expression with its selectors' names replaced by what they stand for."""
    for name, matchers in SELECTORS.items():
        expression = expression.replace(name, matchers)
    return expression


def counted(series: str, by: str, window: str = "$__rate_interval") -> str:
    """Events in a window, by some labels.

    Summed before the increase is taken: a label combination begins at its first event, which `increase` alone would
    miss. The sums may be rated because the daemon keeps its counts over restarts. An account that two daemons show for
    a moment, while one hands it to the other, counts once.
    """
    whole = f"sum by (provider, account, {by}) (max without (job, instance) ({series}))"
    return f"sum by ({by}) (increase({whole}[{window}:]))"
