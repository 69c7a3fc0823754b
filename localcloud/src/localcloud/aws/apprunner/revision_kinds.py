"""The three kinds of resources that services share.

The quotas are those of the developer guide's page on App Runner resource quotas.
"""

from collections.abc import Sequence

from localcloud.aws.apprunner import rules
from localcloud.aws.apprunner.requests import JsonObject
from localcloud.aws.apprunner.revisions import Revision, RevisionKind

DEFAULT_AUTO_SCALING = "DefaultConfiguration"
DEFAULT_AUTO_SCALING_ID = "0" * 31 + "1"
DEFAULT_LIMITS = {"MaxConcurrency": 100, "MinSize": 1, "MaxSize": 25}


def _limits(request: JsonObject) -> JsonObject:
    return {key: request.get(key, default) for key, default in DEFAULT_LIMITS.items()}


def _auto_scaling_problems(
    _name: str, settings: JsonObject, _existing: Sequence[Revision]
) -> list[str]:
    return rules.auto_scaling_problems(settings)


def _no_problems(_name: str, _settings: JsonObject, _existing: Sequence[Revision]) -> list[str]:
    return []


AUTO_SCALING = RevisionKind(
    prefix="AutoScalingConfiguration",
    arn_type="autoscalingconfiguration",
    names_quota=10,
    revisions_quota=5,
    settings=_limits,
    problems=_auto_scaling_problems,
    arn_in=lambda configuration: configuration.auto_scaling_arn,
    usage_members=frozenset({"Latest", "HasAssociatedService", "IsDefault"}),
    list_member="AutoScalingConfigurationSummaryList",
    listed=frozenset(
        {"Arn", "Name", "Revision", "Status", "CreatedAt", "HasAssociatedService", "IsDefault"}
    ),
)
OBSERVABILITY = RevisionKind(
    prefix="ObservabilityConfiguration",
    arn_type="observabilityconfiguration",
    names_quota=10,
    revisions_quota=10,
    settings=lambda request: {"TraceConfiguration": request.get("TraceConfiguration")},
    problems=_no_problems,
    arn_in=lambda configuration: configuration.observability_arn,
    usage_members=frozenset({"Latest"}),
    list_member="ObservabilityConfigurationSummaryList",
    listed=frozenset({"Arn", "Name", "Revision"}),
)
VPC_CONNECTOR = RevisionKind(
    prefix="VpcConnector",
    arn_type="vpcconnector",
    names_quota=10,
    revisions_quota=1,
    settings=lambda request: {
        "Subnets": request["Subnets"],
        "SecurityGroups": request.get("SecurityGroups", []),
    },
    problems=rules.vpc_connector_problems,
    arn_in=lambda configuration: configuration.vpc_connector_arn,
    usage_members=frozenset(),
    list_member="VpcConnectors",
    listed=None,
)
