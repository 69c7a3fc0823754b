"""AWS's prices of what a stack uses, in one table. Pure."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

READ_ON: Final = dt.date(2026, 11, 27)
"""The day on which the prices were compared with their sources."""
REGION: Final = "us-east-1"
FREE_TIERS: Final = (
    "1 million invocations and 400,000 GB-seconds of functions, 1 TB and 10 million requests of"
    " CloudFront, 100 GB to the internet, 10 alarm metrics, 10 custom metrics, 3 dashboards, 5 GB"
    " of logs and 1,000 e-mails a month"
)
"""What an account doesn't pay for; its other stacks and programs use the same tiers."""
NOT_COUNTED: Final = (
    "the database, NAT gateways and KMS keys (the program creates none), traffic to the database,"
    " failed and retried calls, deployments, AWS support"
)

_APP_RUNNER: Final = "https://aws.amazon.com/apprunner/pricing/"
_CLOUDFRONT: Final = "https://aws.amazon.com/cloudfront/pricing/"
_CLOUDWATCH: Final = "https://aws.amazon.com/cloudwatch/pricing/"
_COGNITO: Final = "https://aws.amazon.com/cognito/pricing/"
_EC2: Final = "https://aws.amazon.com/ec2/pricing/on-demand/"
_ECR: Final = "https://aws.amazon.com/ecr/pricing/"
_ELB: Final = "https://aws.amazon.com/elasticloadbalancing/pricing/"
_FARGATE: Final = "https://aws.amazon.com/fargate/pricing/"
_LAMBDA: Final = "https://aws.amazon.com/lambda/pricing/"
_SECRETS: Final = "https://aws.amazon.com/secrets-manager/pricing/"
_SNS: Final = "https://aws.amazon.com/sns/pricing/"
_VPC: Final = "https://aws.amazon.com/vpc/pricing/"
_WAF: Final = "https://aws.amazon.com/waf/pricing/"
_XRAY: Final = "https://aws.amazon.com/xray/pricing/"


@dataclass(frozen=True, kw_only=True)
class Price:
    """The price of something.

    Attributes:
        what: what it is the price of.
        usd: US dollars, for `units`.
        units: how many units the price is for.
        unit: what is counted, in the plural if the price is for several.
        source: AWS's page with the price.
        confirmed: whether the figure was read in AWS's own text. AWS's pages show many prices only
            to a browser; those are as others report them.
    """

    what: str
    usd: Decimal
    units: int = 1
    unit: str
    source: str
    confirmed: bool = False

    def of(self, quantity: Decimal) -> Decimal:
        """Return what a quantity costs, in US dollars."""
        return self.usd * quantity / self.units

    def __str__(self) -> str:
        """Return the price with its unit, and a mark if it isn't confirmed."""
        amount = f"{self.units:,} " if self.units > 1 else ""
        return f"{self.usd:f} per {amount}{self.unit}{'' if self.confirmed else ' [?]'}"


# An instance that has no requests pays for its memory only.
APP_RUNNER_MEMORY: Final = Price(
    what="App Runner: memory of an instance",
    usd=Decimal("0.007"),
    unit="GB-hour",
    source=_APP_RUNNER,
    confirmed=True,
)
APP_RUNNER_VCPU: Final = Price(
    what="App Runner: processor of an instance with requests",
    usd=Decimal("0.064"),
    unit="vCPU-hour",
    source=_APP_RUNNER,
    confirmed=True,
)
# For Linux on x86; AWS's example has it by the second, 0.000011244.
FARGATE_VCPU: Final = Price(
    what="Fargate: processor of a task",
    usd=Decimal("0.04048"),
    unit="vCPU-hour",
    source=_FARGATE,
    confirmed=True,
)
FARGATE_MEMORY: Final = Price(
    what="Fargate: memory of a task", usd=Decimal("0.004445"), unit="GB-hour", source=_FARGATE
)
LOAD_BALANCER: Final = Price(
    what="Application Load Balancer",
    usd=Decimal("0.0225"),
    unit="hour",
    source=_ELB,
    confirmed=True,
)
LOAD_BALANCER_UNIT: Final = Price(
    what="Load balancer: capacity unit (LCU)",
    usd=Decimal("0.008"),
    unit="LCU-hour",
    source=_ELB,
    confirmed=True,
)
PUBLIC_ADDRESS: Final = Price(
    what="Public IPv4 address", usd=Decimal("0.005"), unit="hour", source=_VPC
)
INVOCATION: Final = Price(
    what="Lambda: invocations",
    usd=Decimal("0.20"),
    units=10**6,
    unit="invocations",
    source=_LAMBDA,
    confirmed=True,
)
GIGABYTE_SECOND: Final = Price(
    what="Lambda: memory on arm64", usd=Decimal("0.0000133334"), unit="GB-second", source=_LAMBDA
)
GIGABYTE_SECOND_X86: Final = Price(
    what="Lambda: memory on x86_64", usd=Decimal("0.0000166667"), unit="GB-second", source=_LAMBDA
)
TRACE: Final = Price(
    what="X-Ray: traces recorded",
    usd=Decimal(5),
    units=10**6,
    unit="traces",
    source=_XRAY,
    confirmed=True,
)
TRANSFER: Final = Price(what="Traffic to the internet", usd=Decimal("0.09"), unit="GB", source=_EC2)
# To the United States, Europe and Israel; other places cost up to 0.120.
EDGE_TRANSFER: Final = Price(
    what="CloudFront: traffic to callers",
    usd=Decimal("0.085"),
    unit="GB",
    source=_CLOUDFRONT,
    confirmed=True,
)
EDGE_REQUEST: Final = Price(
    what="CloudFront: HTTPS requests",
    usd=Decimal("0.01"),
    units=10_000,
    unit="requests",
    source=_CLOUDFRONT,
)
EDGE_FUNCTION: Final = Price(
    what="CloudFront: invocations of the edge's function",
    usd=Decimal("0.10"),
    units=10**6,
    unit="invocations",
    source=_CLOUDFRONT,
)
WEB_ACL: Final = Price(what="WAF: web ACL", usd=Decimal(5), unit="web ACL", source=_WAF)
WEB_ACL_RULE: Final = Price(what="WAF: rule", usd=Decimal(1), unit="rule", source=_WAF)
WEB_ACL_REQUEST: Final = Price(
    what="WAF: requests", usd=Decimal("0.60"), units=10**6, unit="requests", source=_WAF
)
TOKEN: Final = Price(
    what="Cognito: tokens for machines",
    usd=Decimal("2.25"),
    units=1000,
    unit="tokens",
    source=_COGNITO,
)
# Charged since 2024, by the second. The newest text of "Monitoring and managing costs" in the
# Amazon Cognito Developer Guide lists only the tokens, so it may be gone.
APP_CLIENT: Final = Price(
    what="Cognito: app client for machines", usd=Decimal(6), unit="app client", source=_COGNITO
)
SECRET: Final = Price(
    what="Secrets Manager: secret",
    usd=Decimal("0.40"),
    unit="secret",
    source=_SECRETS,
    confirmed=True,
)
SECRET_CALL: Final = Price(
    what="Secrets Manager: calls",
    usd=Decimal("0.05"),
    units=10_000,
    unit="calls",
    source=_SECRETS,
    confirmed=True,
)
IMAGE_STORAGE: Final = Price(what="ECR: storage", usd=Decimal("0.10"), unit="GB-month", source=_ECR)
LOG_INGESTION: Final = Price(
    what="Logs: ingestion", usd=Decimal("0.50"), unit="GB", source=_CLOUDWATCH
)
LOG_STORAGE: Final = Price(
    what="Logs: storage", usd=Decimal("0.03"), unit="GB-month", source=_CLOUDWATCH
)
# Alarms with periods of a minute or longer. One with an expression pays for each of its metrics.
ALARM_METRIC: Final = Price(
    what="Alarm, for each of its metrics",
    usd=Decimal("0.10"),
    unit="alarm metric",
    source=_CLOUDWATCH,
)
COMPOSITE_ALARM: Final = Price(
    what="Composite alarm", usd=Decimal("0.50"), unit="alarm", source=_CLOUDWATCH
)
DASHBOARD: Final = Price(what="Dashboard", usd=Decimal(3), unit="dashboard", source=_CLOUDWATCH)
CUSTOM_METRIC: Final = Price(
    what="Custom metric", usd=Decimal("0.30"), unit="metric", source=_CLOUDWATCH
)
PUT_METRIC_DATA: Final = Price(
    what="Publishing metrics", usd=Decimal("0.01"), units=1000, unit="calls", source=_CLOUDWATCH
)
EMAIL: Final = Price(
    what="SNS: e-mails", usd=Decimal(2), units=100_000, unit="e-mails", source=_SNS
)
HTTP_DELIVERY: Final = Price(
    what="SNS: deliveries by HTTPS",
    usd=Decimal("0.60"),
    units=10**6,
    unit="deliveries",
    source=_SNS,
)

PRICES: Final = tuple(each for each in tuple(globals().values()) if isinstance(each, Price))
"""Every price, in the order above."""
