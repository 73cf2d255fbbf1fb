import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.observations import Outcome, Reason
from monitor.providers.runware import errors
from monitor.providers.runware.errors import classify

MEANING = {
    Reason.RATE_LIMIT: "rateLimitExceeded inferenceRateLimitExceeded providerRateLimitExceeded "
    "inferenceRateLimitRequestTooLarge tooManyRequests",
    Reason.TIMEOUT: "timeoutProvider providerTimeout providerGatewayTimeout failedProviderTimeout requestTimeout "
    "timeout webhookTimeout",
    Reason.CAPACITY: "noAvailableServer modelNotReady modelUnavailable serviceUnavailable serverUnavailable "
    "providerUnavailable providerBadGateway",
    Reason.UPSTREAM: "providerError providerInternalError providerUnknownError providerAuthenticationFailed "
    "inferenceError processingFailed taskFailed downloadFailed uploadFailed mediaStorageFileCouldNotBeMoved "
    "providerSomethingNew providerInsufficientCredits thirdPartyInsufficientCredits",
    Reason.INTERNAL: "internalServerError standardError unknownError undefinedError defaultError unrecognizedResponse "
    "errorRetrievingAccountManagement",
    Reason.CREDITS: "insufficientCredits quotaExceeded paymentRequired notEnoughBalance",
    Reason.AUTH: "invalidApiKey missingApiKey unauthorized forbidden permissionDenied insufficientPermissions "
    "authenticationFailed tokenExpired tokenInvalid tokenMissing tokenRevoked accountSuspended accountDisabled "
    "organizationSuspended workspaceDisabled",
    Reason.MODERATION: "contentPolicyViolation providerContentPolicyViolation sensitiveContentDetected "
    "unsafeContentDetected nsfwContentDetected imageBlocked moderationFailed invalidProviderContent contentModeration",
    Reason.MODERATION_INPUT: "promptBlocked",
    Reason.ASSET: "mediaNotFound imageExpired",
    Reason.INVALID_INPUT: "modelNotFound unknownModel invalidPositivePrompt missingParameter unsupportedValue "
    "duplicateTaskUUID maxLength valueOutOfRange arrayTooLong unknownParameter incompatibleParameters validationFailed "
    "invalidSafetyMode unsupportedSafetyCheckContent invalidCheckNSFW",
}
CODES = [(code, reason) for reason, codes in MEANING.items() for code in codes.split()]


@pytest.mark.parametrize(("code", "reason"), CODES)
def test_every_documented_code_has_its_class_whatever_its_case(code: str, reason: Reason) -> None:
    for spelt in (code, code.lower(), code.upper()):
        known = classify(spelt)
        assert known is not None
        assert known.reason is reason


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("invalidApiKey", Outcome.UNAUTHORIZED),
        ("permissionDenied", Outcome.FORBIDDEN),
        ("insufficientCredits", Outcome.INSUFFICIENT_CREDITS),
        ("rateLimitExceeded", Outcome.RATE_LIMITED),
        ("invalidPositivePrompt", Outcome.INVALID_REQUEST),
        ("modelNotFound", Outcome.NOT_FOUND),
        ("timeoutProvider", None),
        ("noAvailableServer", None),
        ("contentPolicyViolation", None),
        ("providerError", None),
    ],
)
def test_only_what_is_turned_away_at_the_door_is_a_refusal(code: str, outcome: Outcome | None) -> None:
    known = classify(code)
    assert known is not None
    assert known.refusal is outcome


def test_special_codes_are_told_apart() -> None:
    assert classify("conflictTaskUUID") is errors.CONFLICT
    assert classify("taskCancelled") is errors.CANCELLED
    assert classify("taskFailedOrNotFound") is errors.MISSING


@pytest.mark.parametrize("code", ["", "brandNew", None, 5, ["a"], "x" * 5000])
def test_what_no_rule_knows_has_no_class(code: object) -> None:
    assert classify(code) is None


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("providerError", "Blocked by the provider's moderation system", errors.MODERATION),
        ("brandNew", "This violates our content policy", errors.MODERATION),
        ("providerError", "upstream said 500", errors.UPSTREAM),
        ("timeoutProvider", "moderation queue timed out", classify("timeoutProvider")),
        ("providerError", {"moderation": 1}, errors.UPSTREAM),
    ],
)
def test_a_vague_code_may_tell_moderation_in_its_text(code: str, message: object, expected: object) -> None:
    assert classify(code, message) is expected


@given(st.text() | st.from_regex(r"(provider|invalid|max|token)[A-Za-z]{0,120}"), st.text() | st.none())
def test_any_code_and_text_are_classified_without_a_fault(code: str, message: str | None) -> None:
    known = classify(code, message)
    assert known is None or known.reason in Reason
