"""The types of resources that cost nothing, with the reason. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_CONFIGURATION: Final = "a setting of something that is priced itself"

FREE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "aws:appautoscaling/target:Target": "tasks and the alarms of its policies are priced",
        "aws:apprunner/observabilityConfiguration:ObservabilityConfiguration": (
            "traces are priced with the service"
        ),
        "aws:apprunner/vpcConnector:VpcConnector": "no charge of App Runner",
        "aws:cloudfront/vpcOrigin:VpcOrigin": "no charge of CloudFront",
        "aws:cloudwatch/eventTarget:EventTarget": "AWS's own events and schedules are free",
        "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": _CONFIGURATION,
        "aws:cloudwatch/logDeliverySource:LogDeliverySource": _CONFIGURATION,
        "aws:cognito/resourceServer:ResourceServer": "app clients and tokens are priced",
        "aws:cognito/userPool:UserPool": "it has no users; app clients and tokens are priced",
        "aws:cognito/userPoolDomain:UserPoolDomain": "app clients and tokens are priced",
        "aws:ec2/securityGroup:SecurityGroup": "free in a VPC",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy": "the repository's storage is priced",
        "aws:ecs/cluster:Cluster": "tasks are priced; Container Insights is off",
        "aws:iam/role:Role": "IAM is free",
        "aws:iam/rolePolicy:RolePolicy": "IAM is free",
        "aws:lambda/alias:Alias": _CONFIGURATION,
        "aws:lambda/functionUrl:FunctionUrl": "its calls are priced as invocations",
        "aws:lambda/invocation:Invocation": "only deployments invoke",
        "aws:lambda/permission:Permission": _CONFIGURATION,
        "aws:lb/listener:Listener": "the load balancer is priced",
        "aws:lb/targetGroup:TargetGroup": "the load balancer is priced",
        "aws:route53/record:Record": "queries for an alias to AWS's resources are free",
        "aws:secretsmanager/secretRotation:SecretRotation": "its function's runs are priced",
        "aws:sns/topic:Topic": "messages are priced with the subscriptions",
        "aws:sns/topicPolicy:TopicPolicy": _CONFIGURATION,
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "free in a VPC",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "free in a VPC",
        "docker:index/image:Image": "the repository's storage is priced",
        "random:index/randomString:RandomString": "nothing on AWS",
    }
)
"""Every type that adds nothing to an estimate; a test looks for types that are missing."""
