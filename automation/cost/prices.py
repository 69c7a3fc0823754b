"""AWS's prices of what monitoring uses. Pure."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

READ_ON: Final = dt.date(2026, 11, 27)
"""The day on which the prices were compared with their sources."""
REGION: Final = "us-east-1"
FREE_TIERS: Final = (
    "10 alarm metrics, 10 custom metrics, 3 dashboards, 5 GB of logs, 1 million calls of"
    " CloudWatch, 1 million invocations of functions and 1,000 e-mails a month"
)
"""What an account doesn't pay for; its other stacks and programs use the same tiers."""

_CLOUDWATCH: Final = "https://aws.amazon.com/cloudwatch/pricing/"
_COGNITO: Final = "https://aws.amazon.com/cognito/pricing/"
_LAMBDA: Final = "https://aws.amazon.com/lambda/pricing/"
_SECRETS: Final = "https://aws.amazon.com/secrets-manager/pricing/"
_SNS: Final = "https://aws.amazon.com/sns/pricing/"


@dataclass(frozen=True, kw_only=True)
class Price:
    """The price of something.

    Attributes:
        usd: US dollars, for `units`.
        units: how many units the price is for.
        unit: what is counted, in the plural if the price is for several.
        source: the page with the price.
    """

    usd: Decimal
    units: int = 1
    unit: str
    source: str

    def of(self, quantity: Decimal) -> Decimal:
        """Return what a quantity costs, in US dollars."""
        return self.usd * quantity / self.units


# Alarms whose periods are a minute or longer. One with an expression pays for each of its metrics.
ALARM_METRIC: Final = Price(usd=Decimal("0.10"), unit="alarm metric", source=_CLOUDWATCH)
COMPOSITE_ALARM: Final = Price(usd=Decimal("0.50"), unit="alarm", source=_CLOUDWATCH)
DASHBOARD: Final = Price(usd=Decimal(3), unit="dashboard", source=_CLOUDWATCH)
CUSTOM_METRIC: Final = Price(usd=Decimal("0.30"), unit="metric", source=_CLOUDWATCH)
PUT_METRIC_DATA: Final = Price(usd=Decimal("0.01"), units=1000, unit="calls", source=_CLOUDWATCH)
LOG_INGESTION: Final = Price(usd=Decimal("0.50"), unit="GB", source=_CLOUDWATCH)
INVOCATION: Final = Price(usd=Decimal("0.20"), units=10**6, unit="invocations", source=_LAMBDA)
GIGABYTE_SECOND: Final = Price(usd=Decimal("0.0000133334"), unit="GB-second, arm64", source=_LAMBDA)
TOKEN: Final = Price(usd=Decimal("2.25"), units=1000, unit="tokens", source=_COGNITO)
# Charged since 2024, by the second.
APP_CLIENT: Final = Price(usd=Decimal(6), unit="app client", source=_COGNITO)
SECRET: Final = Price(usd=Decimal("0.40"), unit="secret", source=_SECRETS)
SECRET_READ: Final = Price(usd=Decimal("0.05"), units=10_000, unit="calls", source=_SECRETS)
EMAIL: Final = Price(usd=Decimal(2), units=100_000, unit="e-mails", source=_SNS)
HTTP_DELIVERY: Final = Price(usd=Decimal("0.60"), units=10**6, unit="deliveries", source=_SNS)
