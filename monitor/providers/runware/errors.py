"""What Runware's error codes mean, as dated rules.

Runware publishes no complete list, and codes vary by model. A code that no rule knows has the reason `other`. To add a
code, change one line of `RULES`.

Sources: docs `models-api/errors` (October 2026), `runware-sdk` 1.8.0 `errors.py`, `@runware/sdk` 1.6.8 (July 2026);
`failedProviderTimeout`, `contentModeration` and `invalidProviderContent` were seen in use by third parties (2026).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus

from monitor.observations import Outcome, Reason
from monitor.providers.http import FIRST_ERROR_STATUS, error_outcome

MAX_CODE_LENGTH = 100


@dataclass(frozen=True, slots=True)
class ErrorClass:
    """What a code means.

    `reason` is why an accepted task failed. `refusal` is the outcome of a request that Runware did not accept; None
    means that Runware accepts the task before this error, whichever answer carries it. `is_load` marks errors of a
    provider that is full or broken. Under an error status such an error refuses the task after all.
    """

    reason: Reason
    refusal: Outcome | None = None
    is_load: bool = False


CONFLICT = ErrorClass(Reason.NONE)
"""Runware knows the task already, because the client sent it twice. It counts once."""

CANCELLED = ErrorClass(Reason.NONE)
MISSING = ErrorClass(Reason.OTHER, Outcome.NOT_FOUND)
"""Runware does not know the task."""

MODERATION = ErrorClass(Reason.MODERATION)
MODERATION_INPUT = ErrorClass(Reason.MODERATION_INPUT)
MODERATION_OUTPUT = ErrorClass(Reason.MODERATION_OUTPUT)
UPSTREAM = ErrorClass(Reason.UPSTREAM)
OTHER = ErrorClass(Reason.OTHER)
INVALID = ErrorClass(Reason.INVALID_INPUT, Outcome.INVALID_REQUEST)
UNAUTHORIZED = ErrorClass(Reason.AUTH, Outcome.UNAUTHORIZED)

RULES = (
    ("conflicttaskuuid", CONFLICT),
    # Runware's own account at the upstream provider, not the user's (inferred from the names).
    ("(provider|thirdparty).*(credits|quota|balance|auth|apikey).*", UPSTREAM),
    # About the parameters `safety` and `checkNSFW`, not about what they found (inferred from the names).
    ("(invalid|missing|unsupported)(safety|checknsfw).*", INVALID),
    ("promptblocked|.*prompt.*moderat.*", MODERATION_INPUT),
    (".*(contentpolicy|moderat|nsfw|unsafe|sensitivecontent|safety).*|imageblocked|invalidprovidercontent", MODERATION),
    (
        ".*(credits|quota|balance).*|paymentrequired|environmentpaused",
        ErrorClass(Reason.CREDITS, Outcome.INSUFFICIENT_CREDITS),
    ),
    (".*ratelimit.*|toomanyrequests", ErrorClass(Reason.RATE_LIMIT, Outcome.RATE_LIMITED, is_load=True)),
    (".*timeout.*|.*timedout", ErrorClass(Reason.TIMEOUT)),
    (
        "forbidden|permissiondenied|insufficientpermissions|account(suspended|disabled)|(organization|workspace).*",
        ErrorClass(Reason.AUTH, Outcome.FORBIDDEN),
    ),
    (
        ".*apikey.*|unauthorized|auth(entication)?failed|(invalid|missing)(authentication|credentials)"
        "|token(expired|invalid|missing|revoked)",
        UNAUTHORIZED,
    ),
    (
        "noavailableserver|modelnotready|modelunavailable|(service|server|provider)unavailable|providerbadgateway",
        ErrorClass(Reason.CAPACITY, is_load=True),
    ),
    ("taskcancell?ed", CANCELLED),
    ("tasknotfound|taskfailedornotfound", MISSING),
    ("(media|image|video|audio|file).*(notfound|expired)", ErrorClass(Reason.ASSET, Outcome.NOT_FOUND)),
    (".*notfound|.*expired|unknownmodel", ErrorClass(Reason.INVALID_INPUT, Outcome.NOT_FOUND)),
    (
        "internal(server)?error|standarderror|unknownerror|undefinederror|defaulterror|unrecognizedresponse"
        "|errorretrieving.*",
        ErrorClass(Reason.INTERNAL, is_load=True),
    ),
    (
        "provider.*|inferenceerror|processingfailed|taskfailed|downloadfailed|uploadfailed|mediastorage.*|modeldisabled",
        UPSTREAM,
    ),
    (
        "(invalid|missing|unsupported|duplicate|conflict|max|min|value|array|mismatch).*|unknownparameter"
        "|unknownprovidersettingsprovider|incompatibleparameters|validationfailed|transparentmodelmismatch"
        "|modelownershipvalidationerror|modelalreadyexists",
        INVALID,
    ),
)
"""Patterns of codes in lower case and their class. The first match wins."""

COMPILED = tuple((re.compile(pattern), each) for pattern, each in RULES)
VAGUE = frozenset({UPSTREAM, OTHER})
MODERATION_TEXT = re.compile(r"moderat|content polic|safety (?:system|filter)|nsfw|flagged as", re.IGNORECASE)
"""Texts that reveal a vague error such as `providerError` as moderation (seen in use by third parties, 2026)."""

OLD_KEY_REFUSED = 19
"""`errorId` of a refused key in the protocol of 2024. The SDK `runware` 0.5.24 (June 2026) still understands it."""

PAUSED = "environment-paused"
"""End of the `type` of a serverless 429 that means a spent monthly budget instead of load (SDK 1.8.0)."""

FIRST_SERVER_ERROR = 500

TASKLESS_OUTCOMES = {
    Reason.CAPACITY: Outcome.OVERLOADED,
    Reason.TIMEOUT: Outcome.OVERLOADED,
    Reason.MODERATION: Outcome.INVALID_REQUEST,
    Reason.MODERATION_INPUT: Outcome.INVALID_REQUEST,
}
"""Outcomes of a request by the reason of an error without a task and without a refusal. All others: `server_error`."""


def classify(code: object, message: object = None) -> ErrorClass | None:
    """The class of an error, None for a code that no rule knows.

    The message decides only where the code is unknown or vague.
    """
    known = _by_code(code.lower()) if isinstance(code, str) and len(code) <= MAX_CODE_LENGTH else None
    if (known is None or known in VAGUE) and isinstance(message, str) and MODERATION_TEXT.search(message[:1000]):
        return MODERATION
    return known


@lru_cache(maxsize=1000)
def _by_code(code: str) -> ErrorClass | None:
    return next((each for pattern, each in COMPILED if pattern.fullmatch(code)), None)


def status_outcome(status: int) -> Outcome:
    """What an error status means. 402 is an insufficient balance (docs `platform/errors`, 2026)."""
    return Outcome.INSUFFICIENT_CREDITS if status == HTTPStatus.PAYMENT_REQUIRED else error_outcome(status)


def refusal_outcome(error: ErrorClass, status: int | None) -> Outcome | None:
    """The request's outcome if the error refuses a task, None if the error ends a task that Runware accepted.

    Under an error status, a load error refuses a task. So does an unknown error under a 4xx.
    """
    if error.refusal is not None:
        return error.refusal
    if status is None or status < FIRST_ERROR_STATUS:
        return None
    is_refusal = error.is_load or (error is OTHER and status < FIRST_SERVER_ERROR)
    return status_outcome(status) if is_refusal else None


def taskless_outcome(error: ErrorClass, status: int | None) -> Outcome:
    """The outcome of a request with an error that names no task."""
    if error.refusal is not None:
        return error.refusal
    if status is not None and status >= FIRST_ERROR_STATUS:
        return status_outcome(status)
    return TASKLESS_OUTCOMES.get(error.reason, Outcome.SERVER_ERROR)
