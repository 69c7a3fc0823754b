"""The alarms of the claims function, without which no token is issued, and of tokens. Pure.

Metrics: "Types of metrics for Lambda functions" in the AWS Lambda Developer Guide.
"""

from typing import Final

from components.monitoring.alarm import (
    Alarm,
    Comparison,
    Metric,
    Severity,
    Subject,
    own_namespace,
)

NAMESPACE: Final = "AWS/Lambda"
TOKENS_METRIC: Final = "TokensIssued"
"""The tokens of each client, counted in the claims function's log."""


def _claims(name: str, statistic: str) -> tuple[Metric, ...]:
    return (Metric(namespace=NAMESPACE, name=name, statistic=statistic, subject=Subject.CLAIMS),)


CLAIMS_ERRORS: Final = Alarm(
    key="claims-errors",
    title="Tokens are refused because the claims function fails",
    severity=Severity.PAGE,
    metrics=_claims("Errors", "Sum"),
    comparison=Comparison.AT_LEAST,
    threshold=3,
    unit="failed invocations",
    period=300,
    evaluation_periods=1,
    datapoints_to_alarm=1,
    affects_callers=True,
    meaning="The claims function fails, and Cognito issues no token when it does.",
    reason=(
        "Every failure is a caller without a token; below three it can be one caller's odd request."
    ),
    normal="None.",
)
CLAIMS_THROTTLES: Final = Alarm(
    key="claims-throttles",
    title="Tokens are refused because the claims function is throttled",
    severity=Severity.PAGE,
    metrics=_claims("Throttles", "Sum"),
    comparison=Comparison.AT_LEAST,
    threshold=1,
    unit="throttled invocations",
    period=300,
    evaluation_periods=1,
    datapoints_to_alarm=1,
    affects_callers=True,
    meaning=(
        "Lambda has no free capacity in this region for the claims function, so Cognito issues no"
        " token."
    ),
    reason="The function needs milliseconds, so a throttle means that the account is at its limit.",
    normal="None.",
)
CLAIMS_SLOW: Final = Alarm(
    key="claims-slow",
    title="The claims function is close to Cognito's limit",
    severity=Severity.TICKET,
    metrics=_claims("Duration", "p99"),
    comparison=Comparison.AT_LEAST,
    threshold=3000,
    unit="milliseconds (p99)",
    period=300,
    evaluation_periods=3,
    datapoints_to_alarm=2,
    meaning="The claims function is slow, and Cognito gives up after five seconds.",
    reason="Three seconds leave two for a cold start, which this metric doesn't include.",
    normal="A few milliseconds.",
)
CLAIMS_ALARMS: Final = (CLAIMS_ERRORS, CLAIMS_THROTTLES, CLAIMS_SLOW)


def token_runaway(service: str, client: str) -> Alarm:
    """Return the alarm of a client's tokens.

    Args:
        service: `<prefix>-<stack>`.
        client: the client's name.
    """
    return Alarm(
        key="token-runaway",
        title="A client requests far more tokens than it needs",
        severity=Severity.TICKET,
        metrics=(
            Metric(
                namespace=own_namespace(service),
                name=TOKENS_METRIC,
                statistic="Sum",
                subject=Subject.CLIENT,
                client=client,
                id="tokens",
            ),
        ),
        # Without data, an alarm looks at earlier periods: it would stay raised for three hours.
        expression="FILL(tokens, 0)",
        comparison=Comparison.ABOVE,
        threshold=200,
        unit="tokens",
        period=3600,
        evaluation_periods=1,
        datapoints_to_alarm=1,
        meaning=(
            "One client was issued many tokens within an hour, and Cognito bills each: a caller"
            " requests a token for every call, or in a loop."
        ),
        reason=(
            "A caller that keeps its token needs one per lifetime: sixteen callers with the"
            " shortest lifetime of five minutes need 192."
        ),
        normal="One token per caller and token lifetime.",
        client=client,
    )
