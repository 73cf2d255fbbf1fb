"""Error codes by class. No complete list is published, and codes vary by model: what is unknown is `other`.

Sources: docs `models-api/errors` (October 2026), `runware-sdk` 1.8.0 `errors.py`, `@runware/sdk` 1.6.8 (July 2026);
`failedProviderTimeout`, `contentModeration` and `invalidProviderContent` were seen in use by third parties (2026).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from monitor.observations import Outcome, Reason

MAX_CODE_LENGTH = 100


@dataclass(frozen=True, slots=True)
class ErrorClass:
    """What a code means: for a task that was taken, the `reason` of its end; at the door, the `refusal`.

    A class without a refusal tells that the task was taken and failed, whichever answer brings it. `is_load` marks
    those that by their status may also turn a task away: the vendor has no room, or is broken.
    """

    reason: Reason
    refusal: Outcome | None = None
    is_load: bool = False


CONFLICT = ErrorClass(Reason.NONE)
"""The task is known already: the same was sent before, and counts once."""

CANCELLED = ErrorClass(Reason.NONE)
MISSING = ErrorClass(Reason.OTHER, Outcome.NOT_FOUND)
"""The vendor knows no such task."""

MODERATION = ErrorClass(Reason.MODERATION)
MODERATION_INPUT = ErrorClass(Reason.MODERATION_INPUT)
MODERATION_OUTPUT = ErrorClass(Reason.MODERATION_OUTPUT)
UPSTREAM = ErrorClass(Reason.UPSTREAM)
OTHER = ErrorClass(Reason.OTHER)
INVALID = ErrorClass(Reason.INVALID_INPUT, Outcome.INVALID_REQUEST)
UNAUTHORIZED = ErrorClass(Reason.AUTH, Outcome.UNAUTHORIZED)

RULES = (
    ("conflicttaskuuid", CONFLICT),
    # Runware's own account at the vendor whose model it serves, not the user's (an inference from the names).
    ("(provider|thirdparty).*(credits|quota|balance|auth|apikey).*", UPSTREAM),
    # About the parameters `safety` and `checkNSFW`, not about what they found (an inference from the names).
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
"""The class of a code by what it looks like in lower case, first match wins."""

COMPILED = tuple((re.compile(pattern), each) for pattern, each in RULES)
VAGUE = frozenset({UPSTREAM, OTHER})
MODERATION_TEXT = re.compile(r"moderat|content polic|safety (?:system|filter)|nsfw|flagged as", re.IGNORECASE)
"""How the text of a `providerError` tells that it was moderation (seen in use by third parties, 2026)."""

OLD_KEY_REFUSED = 19
"""`errorId` of a refused key in the protocol of 2024, which SDK `runware` 0.5.24 still understands."""

PAUSED = "environment-paused"
"""In the `type` of a serverless 429: the month's budget is spent, which is no load (SDK 1.8.0)."""


def classify(code: object, message: object = None) -> ErrorClass | None:
    """The class of an error, None for a code that no rule knows."""
    known = _by_code(code.lower()) if isinstance(code, str) and len(code) <= MAX_CODE_LENGTH else None
    if (known is None or known in VAGUE) and isinstance(message, str) and MODERATION_TEXT.search(message[:1000]):
        return MODERATION
    return known


@lru_cache(maxsize=1000)
def _by_code(code: str) -> ErrorClass | None:
    return next((each for pattern, each in COMPILED if pattern.fullmatch(code)), None)
