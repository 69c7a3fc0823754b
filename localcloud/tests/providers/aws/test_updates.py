"""Changes every updatable input of every resource type on the stand-in's AWS endpoint.

The calls are those of the engine: an update gets the checked inputs and the whole state, including
everything that a read returned.
"""

import base64
import functools
import io
import itertools
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto import provider_pb2_grpc

from localcloud.aws.cloudfront.configuration import (
    ALL_VIEWER_EXCEPT_HOST_HEADER,
    CACHING_DISABLED,
)
from localcloud.labels import OWNER_LABEL
from localcloud.providers.archives import zip_archive
from localcloud.providers.aws.clients import ENDPOINTS, Aws
from localcloud.providers.aws.provider import RESOURCES
from localcloud.providers.diffing import same
from localcloud.providers.schema import Kind, Properties, Property, ResourceType
from localcloud.providers.values import (
    Archive,
    Asset,
    Values,
    as_object,
    decode,
    encode,
    without_empty,
)
from providers.conftest import OWNER, REGION, StandIn
from server.releases import RELEASES
from server.wheel import fetch_binary
from tests.repository import ROOT

_TYPES: Mapping[str, ResourceType[Aws]] = {each.token: each for each in RESOURCES}
_TIMEOUT = 120
_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {
                    "Service": [
                        "lambda.amazonaws.com",
                        "build.apprunner.amazonaws.com",
                        "tasks.apprunner.amazonaws.com",
                    ]
                },
            }
        ],
    }
)


def _policy(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _code(body: str) -> Archive:
    source = f"def handler(event, context):\n    {body}\n"
    return Archive(assets={"index.py": Asset(text=source)}, hash=body.encode().hex())


def _code_reached_aws(stand_in: StandIn, found: Values) -> bool:
    client = stand_in.client("lambda")
    answer = client.invoke(FunctionName=found["name"], Payload=b"{}")
    return bool(json.loads(answer["Payload"].read()) == "changed")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A resource, and another value for each input that can change in place.

    Attributes:
        base: the inputs of its creation; `@type` stands for the id of another resource and
            `@type.output` for one of its outputs.
        changes: a new value for each updatable input.
        checks: functions that verify the changes which no read returns.
        kept: inputs that remain after the program removes them, with the reason.
        needs: types of resources that must exist although no input refers to them.
        fixed: inputs, and members of objects, with one value only, with the reason.
    """

    base: Mapping[str, Any]
    changes: Mapping[str, Any] = field(default_factory=dict)
    checks: Mapping[str, Callable[[StandIn, Values], bool]] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    fixed: Mapping[str, str] = field(default_factory=dict)


_TAGS = {"tags": {"team": "graph", "stage": "test"}}
_ACCESS = ("ecr:*", "secretsmanager:GetSecretValue")
_ROLE = "aws:iam/role:Role"
_ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
_SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
_POOL = "aws:cognito/userPool:UserPool"
_FUNCTION = "aws:lambda/function:Function"
_PERMISSION = "aws:lambda/permission:Permission"
_ROTATION = "aws:secretsmanager/secretRotation:SecretRotation"
_RULE = "aws:cloudwatch/eventRule:EventRule"
_REPOSITORY = "aws:ecr/repository:Repository"
_SECRET = "aws:secretsmanager/secret:Secret"
_SCALING = "aws:apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion"
_OBSERVABILITY = "aws:apprunner/observabilityConfiguration:ObservabilityConfiguration"
_CONNECTOR = "aws:apprunner/vpcConnector:VpcConnector"
_SERVICE = "aws:apprunner/service:Service"
_EDGE_FUNCTION = "aws:cloudfront/function:Function"
_DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
_VPC_ORIGIN = "aws:cloudfront/vpcOrigin:VpcOrigin"
_WEB_ACL = "aws:wafv2/webAcl:WebAcl"
_SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"
_LOAD_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
_TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"
_CLUSTER = "aws:ecs/cluster:Cluster"
_TASK = "aws:ecs/taskDefinition:TaskDefinition"
_CONTAINER_SERVICE = "aws:ecs/service:Service"
_TOPIC = "aws:sns/topic:Topic"
_ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
_SCALABLE = "aws:appautoscaling/target:Target"
_TRACKING = "targetTrackingScalingPolicyConfiguration"
_LOG_SOURCE = "aws:cloudwatch/logDeliverySource:LogDeliverySource"
_LOG_DESTINATION = "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination"
_GROUP_ARN = f"arn:aws:logs:{REGION}:000000000000:log-group:access"
_LAMBDA_ARN = f"arn:aws:lambda:{REGION}:000000000000:function:other"


def _source(image: str, role: str, **configuration: object) -> dict[str, Any]:
    variables = {
        "NEO4J_MCP_URI": "bolt://host.docker.internal:1",
        "NEO4J_MCP_TRANSPORT_MODE": "http",
        "NEO4J_MCP_HTTP_HOST": "0.0.0.0",  # noqa: S104 - inside a container
        "NEO4J_MCP_HTTP_PORT": "8080",
        "NEO4J_MCP_TELEMETRY": "false",
    }
    return {
        "autoDeploymentsEnabled": False,
        "authenticationConfiguration": {"accessRoleArn": role},
        "imageRepository": {
            "imageIdentifier": image,
            "imageRepositoryType": "ECR",
            "imageConfiguration": {
                "port": "8080",
                "runtimeEnvironmentVariables": variables,
                **configuration,
            },
        },
    }


def _custom_origin(**changes: object) -> dict[str, Any]:
    return {
        "originId": "host",
        "domainName": "localhost",
        "customOriginConfig": {
            "httpPort": 80,
            "httpsPort": 443,
            "originProtocolPolicy": "https-only",
            "originSslProtocols": ["TLSv1.2"],
        },
        **changes,
    }


def _vpc_origin(**changes: object) -> dict[str, Any]:
    return {
        "vpcOriginEndpointConfig": {
            "arn": "@load balancer",
            "httpPort": 80,
            "httpsPort": 443,
            "name": "vpc-origin",
            "originProtocolPolicy": "http-only",
            "originSslProtocols": {"items": ["TLSv1.2"], "quantity": 1},
            **changes,
        }
    }


def _behavior(**changes: object) -> dict[str, Any]:
    return {
        "targetOriginId": "host",
        "viewerProtocolPolicy": "https-only",
        "allowedMethods": ["GET", "HEAD"],
        "cachedMethods": ["GET", "HEAD"],
        "cachePolicyId": CACHING_DISABLED,
        "originRequestPolicyId": ALL_VIEWER_EXCEPT_HOST_HEADER,
        **changes,
    }


def _visibility(name: str) -> dict[str, Any]:
    return {"cloudwatchMetricsEnabled": True, "metricName": name, "sampledRequestsEnabled": False}


def _rate_rule(limit: int) -> dict[str, Any]:
    return {
        "name": "rate",
        "priority": 1,
        "action": {"block": {"customResponse": {"responseCode": 429}}},
        "statement": {
            "rateBasedStatement": {
                "limit": limit,
                "aggregateKeyType": "IP",
                "evaluationWindowSec": 60,
            }
        },
        "visibilityConfig": _visibility("rate"),
    }


def _rule() -> Case:
    """Return the case of a rule of a security group, in either direction."""
    return Case(
        base={
            "securityGroupId": f"@{_SECURITY_GROUP}",
            "ipProtocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
            "cidrIpv4": "10.0.0.0/8",
        },
        changes={
            "cidrIpv4": "10.1.0.0/16",
            "description": "Who may call",
            "fromPort": 440,
            "ipProtocol": "udp",
            "toPort": 445,
            **_TAGS,
        },
        fixed={
            "prefixListId": "EC2 can't change what kind of source a rule has",
            "referencedSecurityGroupId": "EC2 can't change what kind of source a rule has",
        },
        kept={"description": "ministack keeps it; on AWS the whole rule is replaced"},
    )


def _scaled() -> dict[str, Any]:
    return {
        "resourceId": "service/cluster/container-service",
        "scalableDimension": "ecs:service:DesiredCount",
        "serviceNamespace": "ecs",
    }


def _network(subnets: str, *groups: str, public: bool = False) -> dict[str, Any]:
    return {"subnets": subnets, "securityGroups": list(groups), "assignPublicIp": public}


def _alias(name: str) -> list[dict[str, Any]]:
    return [{"evaluateTargetHealth": False, "name": name, "zoneId": "Z35SXDOTRQ7X7K"}]


def _topic_policy(service: str) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": service},
                    "Action": "sns:Publish",
                    "Resource": f"arn:aws:sns:{REGION}:000000000000:topic",
                }
            ],
        }
    )


def _dashboard(text: str) -> str:
    widget = {"type": "text", "x": 0, "y": 0, "width": 24, "height": 2}
    return json.dumps({"widgets": [{**widget, "properties": {"markdown": text}}]})


_CASES: Mapping[str, Case] = {
    _TOPIC: Case(base={"name": "topic"}, changes=_TAGS),
    "aws:sns/topicPolicy:TopicPolicy": Case(
        base={"arn": f"@{_TOPIC}", "policy": _topic_policy("cloudwatch.amazonaws.com")},
        changes={"policy": _topic_policy("events.amazonaws.com")},
    ),
    "aws:sns/topicSubscription:TopicSubscription": Case(
        base={"endpoint": "oncall@example.com", "protocol": "email", "topic": f"@{_TOPIC}"}
    ),
    _ALARM: Case(
        base={
            "name": "alarm",
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 3,
            "extendedStatistic": "p90",
            "metricName": "Duration",
            "namespace": "AWS/Lambda",
            "period": 300,
            "threshold": 1.0,
        },
        changes={
            "actionsEnabled": False,
            "alarmActions": [f"arn:aws:sns:{REGION}:000000000000:topic"],
            "alarmDescription": "What it means",
            "comparisonOperator": "LessThanThreshold",
            "datapointsToAlarm": 2,
            "dimensions": {"FunctionName": "function"},
            "evaluateLowSampleCountPercentiles": "ignore",
            "evaluationPeriods": 4,
            "extendedStatistic": "p99",
            "insufficientDataActions": [f"arn:aws:sns:{REGION}:000000000000:topic"],
            "metricName": "PostRuntimeExtensionsDuration",
            "namespace": "Graph",
            "okActions": [f"arn:aws:sns:{REGION}:000000000000:topic"],
            "period": 60,
            "threshold": 2.5,
            "treatMissingData": "notBreaching",
            "unit": "Milliseconds",
            **_TAGS,
        },
        fixed={
            "metricQueries": "an alarm has queries or a metric; test_cloudwatch.py has queries",
            "statistic": "an alarm has one statistic, which is a percentile here",
        },
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": Case(
        base={"alarmName": "composite", "alarmRule": 'ALARM("alarm")'},
        changes={
            "alarmActions": [f"arn:aws:sns:{REGION}:000000000000:topic"],
            "alarmDescription": "What it means",
            "alarmRule": 'NOT OK("alarm")',
            "insufficientDataActions": [f"arn:aws:sns:{REGION}:000000000000:topic"],
            "okActions": [f"arn:aws:sns:{REGION}:000000000000:topic"],
            **_TAGS,
        },
        needs=(_ALARM,),
    ),
    "aws:cloudwatch/dashboard:Dashboard": Case(
        base={"dashboardName": "dashboard", "dashboardBody": _dashboard("first")},
        changes={"dashboardBody": _dashboard("second")},
    ),
    "aws:route53/record:Record": Case(
        base={
            "zoneId": "@zone",
            "name": "mcp.example.com",
            "type": "A",
            "aliases": _alias("first.us-east-1.elb.amazonaws.com"),
        },
        changes={"aliases": _alias("second.us-east-1.elb.amazonaws.com")},
        fixed={"type": "an alias has the type of its target"},
    ),
    _SECURITY_GROUP: Case(base={"name": "group", "vpcId": "@vpc"}, changes=_TAGS),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _rule(),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _rule(),
    _LOAD_BALANCER: Case(
        base={
            "name": "balancer",
            "internal": True,
            "securityGroups": [f"@{_SECURITY_GROUP}"],
            "subnets": "@subnets",
        },
        changes={
            "dropInvalidHeaderFields": True,
            "enableDeletionProtection": True,
            "idleTimeout": 75,
            "securityGroups": [f"@{_SECURITY_GROUP}", "@default group"],
            "subnets": "@two subnets",
            **_TAGS,
        },
    ),
    _TARGET_GROUP: Case(
        base={
            "name": "targets",
            "port": 8080,
            "protocol": "HTTP",
            "targetType": "ip",
            "vpcId": "@vpc",
        },
        changes={
            "deregistrationDelay": 70,
            "healthCheck": {
                "enabled": True,
                "healthyThreshold": 2,
                "interval": 6,
                "matcher": "200",
                "path": "/healthz",
                "port": "traffic-port",
                "protocol": "HTTP",
                "timeout": 4,
                "unhealthyThreshold": 4,
            },
            **_TAGS,
        },
    ),
    "aws:lb/listener:Listener": Case(
        base={
            "loadBalancerArn": f"@{_LOAD_BALANCER}",
            "port": 443,
            "protocol": "HTTPS",
            "certificateArn": "@certificate",
            "defaultActions": [{"type": "forward", "targetGroupArn": f"@{_TARGET_GROUP}"}],
        },
        changes={
            "port": 8443,
            "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
            "certificateArn": "@other certificate",
            "defaultActions": [{"type": "forward", "targetGroupArn": "@other target group"}],
            **_TAGS,
        },
        fixed={
            "protocol": "HTTPS needs a certificate, and HTTP none: two changes at once",
            "defaultActions[].order": "a single action has none",
        },
    ),
    _CLUSTER: Case(
        base={"name": "cluster"},
        changes=_TAGS,
        fixed={"settings": "the stand-in has no Container Insights"},
    ),
    _TASK: Case(
        base={
            "family": "task",
            "cpu": "256",
            "memory": "512",
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "executionRoleArn": f"@{_ROLE}.arn",
            "containerDefinitions": json.dumps(
                [
                    {
                        "name": "server",
                        "image": "public.example/image:1",
                        "portMappings": [{"containerPort": 8080}],
                        "environment": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
                    }
                ]
            ),
        },
        changes=_TAGS,
    ),
    _CONTAINER_SERVICE: Case(
        base={
            "name": "container-service",
            "cluster": f"@{_CLUSTER}",
            "taskDefinition": f"@{_TASK}.arn",
            "launchType": "FARGATE",
            # No tasks: how they follow the service is tested with the stand-in's ECS.
            "desiredCount": 0,
            "networkConfiguration": _network("@subnets", f"@{_SECURITY_GROUP}"),
        },
        changes={
            "availabilityZoneRebalancing": "DISABLED",
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            "deploymentMaximumPercent": 150,
            "deploymentMinimumHealthyPercent": 50,
            "networkConfiguration": _network("@two subnets", "@default group", public=True),
            "platformVersion": "1.4.0",
            "propagateTags": "SERVICE",
            "taskDefinition": "@other task",
            **_TAGS,
        },
        fixed={
            "desiredCount": "a task would need an image",
            "enableEcsManagedTags": "the stand-in refuses it",
            "enableExecuteCommand": "the stand-in refuses it",
            "healthCheckGracePeriodSeconds": "needs a load balancer",
            "loadBalancers": "a target group that a listener uses",
        },
    ),
    _SCALABLE: Case(
        base={**_scaled(), "minCapacity": 0, "maxCapacity": 1},
        changes={"maxCapacity": 3, **_TAGS},
        needs=(_CONTAINER_SERVICE,),
        fixed={
            "minCapacity": "a task would need an image",
            "roleArn": "for ECS it is always the service-linked role",
            "suspendedState": "the stand-in refuses it",
        },
    ),
    "aws:appautoscaling/policy:Policy": Case(
        base={
            **_scaled(),
            "name": "cpu",
            "policyType": "TargetTrackingScaling",
            _TRACKING: {
                "targetValue": 50,
                "predefinedMetricSpecification": {
                    "predefinedMetricType": "ECSServiceAverageCPUUtilization"
                },
            },
        },
        changes={
            _TRACKING: {
                "targetValue": 60,
                "disableScaleIn": True,
                "scaleInCooldown": 300,
                "scaleOutCooldown": 60,
                "predefinedMetricSpecification": {
                    "predefinedMetricType": "ECSServiceAverageCPUUtilization"
                },
            }
        },
        needs=(_SCALABLE,),
        fixed={
            "policyType": "no other type is supported",
            f"{_TRACKING}.predefinedMetricSpecification.resourceLabel": "for requests only",
        },
    ),
    _ROLE: Case(
        base={"name": "role", "assumeRolePolicy": _TRUST},
        changes={
            "assumeRolePolicy": _TRUST.replace("tasks.apprunner", "ecs-tasks"),
            "description": "What it may do",
            "maxSessionDuration": 7200,
            "permissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess",
            **_TAGS,
        },
        kept={"description": "ministack ignores an empty parameter of IAM; AWS doesn't"},
    ),
    _ROLE_POLICY: Case(
        base={"name": "policy", "role": f"@{_ROLE}", "policy": _policy(*_ACCESS)},
        changes={"policy": _policy(*_ACCESS, "ecr:DescribeImages")},
    ),
    _LOG_SOURCE: Case(
        base={
            "name": "access",
            "logType": "ALB_ACCESS_LOGS",
            "resourceArn": f"@{_LOAD_BALANCER}.arn",
        },
        changes=_TAGS,
    ),
    _LOG_DESTINATION: Case(
        base={
            "name": "access",
            "outputFormat": "json",
            "deliveryDestinationConfiguration": {"destinationResourceArn": _GROUP_ARN},
        },
        changes={
            "deliveryDestinationConfiguration": {"destinationResourceArn": f"{_GROUP_ARN}-2"},
            **_TAGS,
        },
    ),
    "aws:cloudwatch/logDelivery:LogDelivery": Case(
        base={
            "deliverySourceName": f"@{_LOG_SOURCE}.name",
            "deliveryDestinationArn": f"@{_LOG_DESTINATION}.arn",
        },
        changes=_TAGS,
    ),
    "aws:cloudwatch/logGroup:LogGroup": Case(
        base={"name": "group"},
        changes={"retentionInDays": 30, **_TAGS},
        fixed={"kmsKeyId": "no type declares a key; test_resources.py changes it"},
    ),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": Case(
        base={
            "name": "filter",
            "logGroupName": "@aws:cloudwatch/logGroup:LogGroup",
            "pattern": '{ $.level = "ERROR" }',
            "metricTransformation": {"name": "Errors", "namespace": "Graph", "value": "1"},
        },
        changes={
            "pattern": "ERROR",
            "metricTransformation": {
                "name": "Failures",
                "namespace": "Graph",
                "value": "2",
                "defaultValue": "0",
                "unit": "Count",
            },
        },
        fixed={
            "metricTransformation.dimensions": "a filter with a default value can't have them",
        },
    ),
    _REPOSITORY: Case(
        base={"name": "repository", "forceDelete": True},
        changes={
            "imageScanningConfiguration": {"scanOnPush": True},
            "imageTagMutability": "IMMUTABLE",
            **_TAGS,
        },
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Case(
        base={
            "repository": f"@{_REPOSITORY}",
            "policy": json.dumps(
                {
                    "rules": [
                        {
                            "rulePriority": 1,
                            "selection": {
                                "tagStatus": "any",
                                "countType": "imageCountMoreThan",
                                "countNumber": 5,
                            },
                            "action": {"type": "expire"},
                        }
                    ]
                }
            ),
        }
    ),
    _SECRET: Case(
        base={"name": "secret", "recoveryWindowInDays": 0},
        changes={"description": "How to call", "kmsKeyId": "alias/other", **_TAGS},
        kept={"kmsKeyId": "UpdateSecret can't reset to the default key"},
    ),
    _SECRET_VERSION: Case(base={"secretId": f"@{_SECRET}", "secretString": "hunter2"}),
    _FUNCTION: Case(
        base={
            "name": "function",
            "role": f"@{_ROLE}.arn",
            "runtime": "python3.12",
            "handler": "index.handler",
            "code": _code("return 'first'"),
        },
        changes={
            "code": _code("return 'changed'"),
            "architectures": ["arm64"],
            "description": "What it does",
            "environment": {"variables": {"GREETING": "hello"}},
            "ephemeralStorage": {"size": 1024},
            "loggingConfig": {
                "logFormat": "JSON",
                "applicationLogLevel": "WARN",
                "logGroup": "/aws/lambda/other",
                "systemLogLevel": "WARN",
            },
            "memorySize": 256,
            "reservedConcurrentExecutions": 5,
            "runtime": "python3.13",
            "timeout": 4,
            "tracingConfig": {"mode": "Active"},
            "vpcConfig": {"subnetIds": ["subnet-0a"], "securityGroupIds": ["sg-0a"]},
            **_TAGS,
            "handler": "index.other",
            "role": "arn:aws:iam::000000000000:role/other",
        },
        checks={"code": _code_reached_aws},
    ),
    "aws:lambda/alias:Alias": Case(
        base={"name": "live", "functionName": f"@{_FUNCTION}", "functionVersion": "$LATEST"},
        changes={"description": "the version that is called", "functionVersion": "@version"},
    ),
    "aws:lambda/functionUrl:FunctionUrl": Case(
        base={"functionName": f"@{_FUNCTION}", "authorizationType": "NONE"},
        changes={"authorizationType": "AWS_IAM", "invokeMode": "RESPONSE_STREAM"},
    ),
    _PERMISSION: Case(
        base={
            "statementId": "rotation",
            "action": "lambda:InvokeFunction",
            "function": f"@{_FUNCTION}",
            "principal": "secretsmanager.amazonaws.com",
        }
    ),
    "aws:lambda/invocation:Invocation": Case(base={"functionName": f"@{_FUNCTION}", "input": "{}"}),
    _ROTATION: Case(
        base={
            "secretId": f"@{_SECRET}",
            "rotateImmediately": False,
            "rotationLambdaArn": f"@{_FUNCTION}.arn",
            "rotationRules": {"automaticallyAfterDays": 30},
        },
        changes={
            "rotationRules": {"automaticallyAfterDays": 7},
            "rotationLambdaArn": "@other function",
        },
        needs=(_SECRET_VERSION, _PERMISSION),
    ),
    _RULE: Case(
        base={"name": "rule", "scheduleExpression": "rate(1 hour)"},
        changes={
            "description": "When it runs",
            "eventPattern": json.dumps({"source": ["aws.ecs"]}),
            "scheduleExpression": "rate(2 hours)",
            "state": "DISABLED",
            **_TAGS,
        },
    ),
    "aws:cloudwatch/eventTarget:EventTarget": Case(
        base={"rule": f"@{_RULE}", "targetId": "target", "arn": f"@{_FUNCTION}.arn"},
        changes={
            "arn": _LAMBDA_ARN,
            "input": "{}",
        },
    ),
    _POOL: Case(
        base={"name": "pool"},
        changes={
            "accountRecoverySetting": {
                "recoveryMechanisms": [{"name": "admin_only", "priority": 1}]
            },
            "adminCreateUserConfig": {"allowAdminCreateUserOnly": True},
            "autoVerifiedAttributes": ["email"],
            "lambdaConfig": {
                **dict.fromkeys(
                    (
                        "createAuthChallenge",
                        "customMessage",
                        "defineAuthChallenge",
                        "postAuthentication",
                        "postConfirmation",
                        "preAuthentication",
                        "preSignUp",
                        "preTokenGeneration",
                        "userMigration",
                        "verifyAuthChallengeResponse",
                    ),
                    _LAMBDA_ARN,
                ),
                "preTokenGenerationConfig": {"lambdaArn": _LAMBDA_ARN, "lambdaVersion": "V3_0"},
            },
            "mfaConfiguration": "OPTIONAL",
            "passwordPolicy": {
                "minimumLength": 12,
                "passwordHistorySize": 2,
                "requireLowercase": True,
                "requireNumbers": True,
                "requireSymbols": True,
                "requireUppercase": True,
                "temporaryPasswordValidityDays": 3,
            },
            "signInPolicy": {"allowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]},
            "userPoolTier": "PLUS",
            "userPoolAddOns": {
                "advancedSecurityMode": "AUDIT",
                "advancedSecurityAdditionalFlows": {"customAuthMode": "AUDIT"},
            },
            **_TAGS,
            "deletionProtection": "ACTIVE",
        },
    ),
    "aws:cognito/userPoolDomain:UserPoolDomain": Case(
        base={
            "domain": "auth.example.com",
            "userPoolId": f"@{_POOL}",
            "certificateArn": f"arn:aws:acm:{REGION}:000000000000:certificate/first",
        },
        changes={
            "certificateArn": f"arn:aws:acm:{REGION}:000000000000:certificate/second",
            "managedLoginVersion": 2,
        },
    ),
    "aws:cognito/resourceServer:ResourceServer": Case(
        base={
            "identifier": "graph",
            "name": "graph",
            "userPoolId": f"@{_POOL}",
            "scopes": [{"scopeName": "reader", "scopeDescription": "Read"}],
        },
        changes={
            "scopes": [
                {"scopeName": "reader", "scopeDescription": "Read the graph"},
                {"scopeName": "writer", "scopeDescription": "Write"},
            ]
        },
    ),
    "aws:cognito/userPoolClient:UserPoolClient": Case(
        base={
            "name": "client",
            "userPoolId": f"@{_POOL}",
            "generateSecret": True,
            "allowedOauthFlows": ["client_credentials"],
            "allowedOauthFlowsUserPoolClient": True,
            "allowedOauthScopes": ["graph/reader"],
            "explicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
        },
        changes={
            "name": "renamed",
            "allowedOauthScopes": ["graph/reader", "graph/writer"],
            "tokenValidityUnits": {
                "accessToken": "minutes",
                "idToken": "minutes",
                "refreshToken": "hours",
            },
            "accessTokenValidity": 10,
            "idTokenValidity": 20,
            "refreshTokenValidity": 48,
            "authSessionValidity": 5,
            "callbackUrls": ["https://example.com/a"],
            "defaultRedirectUri": "https://example.com/a",
            "logoutUrls": ["https://example.com/out"],
            "enablePropagateAdditionalUserContextData": True,
            "enableTokenRevocation": False,
            "explicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"],
            "preventUserExistenceErrors": "ENABLED",
            "readAttributes": ["email"],
            "writeAttributes": ["email", "name"],
            "supportedIdentityProviders": ["COGNITO"],
            "allowedOauthFlows": ["code"],
            "allowedOauthFlowsUserPoolClient": False,
        },
    ),
    _SCALING: Case(base={"autoScalingConfigurationName": "scaling"}, changes=_TAGS),
    _OBSERVABILITY: Case(
        base={
            "observabilityConfigurationName": "tracing",
            "traceConfiguration": {"vendor": "AWSXRAY"},
        },
        changes=_TAGS,
    ),
    _CONNECTOR: Case(
        base={
            "vpcConnectorName": "connector",
            "subnets": ["subnet-1"],
            "securityGroups": ["sg-1"],
        },
        changes=_TAGS,
    ),
    _SERVICE: Case(
        base={
            "serviceName": "service",
            "sourceConfiguration": _source("@image", f"@{_ROLE}.arn"),
            "healthCheckConfiguration": {"protocol": "TCP", "interval": 1},
        },
        changes={
            "autoScalingConfigurationArn": f"@{_SCALING}",
            "healthCheckConfiguration": {
                "protocol": "HTTP",
                "path": "/healthz",
                "interval": 1,
                "timeout": 1,
                "healthyThreshold": 2,
                "unhealthyThreshold": 4,
            },
            "instanceConfiguration": {
                "cpu": "256",
                "memory": "1024",
                "instanceRoleArn": f"@{_ROLE}.arn",
            },
            "networkConfiguration": {
                "egressConfiguration": {
                    "egressType": "VPC",
                    "vpcConnectorArn": f"@{_CONNECTOR}",
                },
                "ingressConfiguration": {"isPubliclyAccessible": True},
                "ipAddressType": "IPV4",
            },
            "observabilityConfiguration": {
                "observabilityEnabled": True,
                "observabilityConfigurationArn": f"@{_OBSERVABILITY}",
            },
            "sourceConfiguration": _source(
                "@image",
                f"@{_ROLE}.arn",
                startCommand="--neo4j-read-only true",
                runtimeEnvironmentSecrets={"UNUSED": f"@{_SECRET}"},
            ),
            **_TAGS,
        },
        needs=(_ROLE_POLICY, _SECRET_VERSION),
    ),
    _EDGE_FUNCTION: Case(
        base={
            "name": "edge",
            "runtime": "cloudfront-js-2.0",
            "code": "function handler(event) { return event.request; }",
        },
        changes={
            "code": "function handler(event) { return { statusCode: 200 }; }",
            "comment": "What it does",
            "runtime": "cloudfront-js-1.0",
            **_TAGS,
        },
    ),
    _WEB_ACL: Case(
        base={
            "name": "limits",
            "scope": "CLOUDFRONT",
            "defaultAction": {"allow": {}},
            "visibilityConfig": _visibility("limits"),
        },
        changes={
            "defaultAction": {"block": {"customResponse": {"responseCode": 429}}},
            "description": "Limits of requests",
            "rules": [_rate_rule(100)],
            "visibilityConfig": {**_visibility("other"), "sampledRequestsEnabled": True},
            **_TAGS,
        },
        fixed={"defaultAction.allow": "a default action allows or blocks"},
    ),
    _VPC_ORIGIN: Case(
        base=_vpc_origin(),
        changes={
            **_vpc_origin(
                name="other",
                httpPort=8080,
                httpsPort=8443,
                originSslProtocols={"items": ["TLSv1.1", "TLSv1.2"], "quantity": 2},
            ),
            **_TAGS,
        },
    ),
    _DISTRIBUTION: Case(
        base={
            "enabled": True,
            "origins": [_custom_origin()],
            "defaultCacheBehavior": _behavior(),
            "restrictions": {"geoRestriction": {"restrictionType": "none"}},
            "viewerCertificate": {"cloudfrontDefaultCertificate": True},
        },
        changes={
            "viewerCertificate": {
                "cloudfrontDefaultCertificate": False,
                "acmCertificateArn": "@certificate",
                "minimumProtocolVersion": "TLSv1.2_2021",
                "sslSupportMethod": "sni-only",
            },
            "aliases": ["mcp.example.com"],
            "comment": "Who uses it",
            "defaultCacheBehavior": _behavior(
                allowedMethods=["GET", "HEAD", "OPTIONS"],
                compress=True,
                functionAssociations=[
                    {"eventType": "viewer-request", "functionArn": f"@{_EDGE_FUNCTION}.arn"}
                ],
            ),
            "enabled": False,
            "httpVersion": "http2and3",
            "isIpv6Enabled": True,
            "origins": [
                _custom_origin(
                    connectionAttempts=1,
                    connectionTimeout=5,
                    originPath="/v1",
                    customOriginConfig={
                        "httpPort": 8080,
                        "httpsPort": 8443,
                        "originKeepaliveTimeout": 60,
                        "originProtocolPolicy": "http-only",
                        "originReadTimeout": 90,
                        "originSslProtocols": ["TLSv1.1", "TLSv1.2"],
                    },
                ),
                {
                    "originId": "vpc",
                    "domainName": "internal.example.com",
                    "connectionAttempts": 1,
                    "connectionTimeout": 5,
                    "originPath": "/v1",
                    "vpcOriginConfig": {
                        "originKeepaliveTimeout": 60,
                        "originReadTimeout": 90,
                        "vpcOriginId": f"@{_VPC_ORIGIN}",
                    },
                },
            ],
            "priceClass": "PriceClass_100",
            "webAclId": f"@{_WEB_ACL}.arn",
            **_TAGS,
        },
        fixed={
            "restrictions": "no address of this machine is in a country",
            "origins[].customOriginConfig": "an origin has one kind",
            "origins[].vpcOriginConfig": "an origin has one kind",
        },
    ),
}
# Inputs without an operation: they say how the resource is created, updated or deleted.
_HOW = {
    "aws:route53/record:Record": {"allowOverwrite"},
    _SECURITY_GROUP: {"revokeRulesOnDelete"},
    _TASK: {"skipDestroy", "trackLatest"},
    _CONTAINER_SERVICE: {"waitForSteadyState"},
    _REPOSITORY: {"forceDelete"},
    "aws:cloudwatch/logGroup:LogGroup": {"skipDestroy"},
    _FUNCTION: {"publish", "skipDestroy", "sourceCodeHash"},
    "aws:lambda/invocation:Invocation": {"lifecycleScope"},
    _RULE: {"forceDestroy"},
    "aws:cloudwatch/eventTarget:EventTarget": {"forceDestroy"},
    _ROTATION: {"rotateImmediately"},
    _SECRET: {"forceOverwriteReplicaSecret", "recoveryWindowInDays"},
    _EDGE_FUNCTION: {"publish"},
    _DISTRIBUTION: {"retainOnDelete", "waitForDeployment"},
}


@dataclass(kw_only=True, eq=False)
class Engine:
    """Calls a provider like Pulumi's engine."""

    stub: provider_pb2_grpc.ResourceProviderStub
    stand_in: StandIn
    made: dict[str, tuple[str, Values]] = field(default_factory=dict)

    def check(self, token: str, inputs: Mapping[str, Any]) -> Values:
        request = pb.CheckRequest(urn=_urn(token), news=encode(self._resolved(dict(inputs))))
        answer = self.stub.Check(request)
        assert [each.reason for each in answer.failures] == []
        return decode(answer.inputs)[0]

    def create(self, token: str, inputs: Values) -> tuple[str, Values]:
        request = pb.CreateRequest(urn=_urn(token), properties=encode(inputs), timeout=_TIMEOUT)
        answer = self.stub.Create(request)
        self.made[token] = (answer.id, decode(answer.properties)[0])
        return self.made[token]

    def diff(self, token: str, olds: Values, news: Values) -> pb.DiffResponse:
        request = pb.DiffRequest(urn=_urn(token), olds=encode(olds), news=encode(news))
        answer: pb.DiffResponse = self.stub.Diff(request)
        return answer

    def update(self, token: str, resource_id: str, olds: Values, news: Values) -> Values:
        request = pb.UpdateRequest(
            urn=_urn(token), id=resource_id, olds=encode(olds), news=encode(news), timeout=_TIMEOUT
        )
        return decode(self.stub.Update(request).properties)[0]

    def read(self, token: str, resource_id: str, state: Values, inputs: Values) -> Values:
        request = pb.ReadRequest(
            urn=_urn(token), id=resource_id, properties=encode(state), inputs=encode(inputs)
        )
        answer = self.stub.Read(request)
        assert answer.id
        found, _ = decode(answer.properties)
        self.made[token] = (resource_id, found)
        return found

    def delete_all(self) -> None:
        # Each case comes after the cases that it depends on.
        for token in [each for each in reversed(list(_CASES)) if each in self.made]:
            resource_id, state = self.made[token]
            self.stub.Delete(
                pb.DeleteRequest(urn=_urn(token), id=resource_id, properties=encode(state))
            )

    def resource(self, token: str) -> tuple[str, Values]:
        """Return the resource of a type; create it if it doesn't exist yet."""
        if token not in self.made:
            for needed in _CASES[token].needs:
                self.resource(needed)
            self.create(token, self.check(token, _CASES[token].base))
        return self.made[token]

    @functools.cache  # noqa: B019 - the engine lives as long as its module's tests
    def _image(self) -> str:
        """Push the official server's image, and return its name with the digest."""
        repository = str(self.resource(_REPOSITORY)[1]["repositoryUrl"])
        answer = self.stand_in.client("ecr").get_authorization_token()["authorizationData"][0]
        user, _, password = base64.b64decode(answer["authorizationToken"]).decode().partition(":")
        tag = f"{repository}:1"
        self.stand_in.docker.images.build(
            fileobj=_build_context(), custom_context=True, tag=tag, platform="linux/amd64", rm=True
        )
        pushed = self.stand_in.docker.images.push(
            tag,
            stream=True,
            decode=True,
            auth_config={"username": user, "password": password},
        )
        digest = next(line["aux"]["Digest"] for line in pushed if "aux" in line)
        return f"{repository}@{digest}"

    @functools.cache  # noqa: B019 - the same
    def _other_function(self) -> str:
        """Create a second function that Secrets Manager may invoke, and return its ARN."""
        client = self.stand_in.client("lambda")
        code = zip_archive(_code("return 'other'"), Path())
        made = client.create_function(
            FunctionName="other",
            Runtime="python3.13",
            Handler="index.handler",
            Role=str(self.resource(_ROLE)[1]["arn"]),
            Code={"ZipFile": code},
        )
        client.add_permission(
            FunctionName="other",
            StatementId="rotation",
            Action="lambda:InvokeFunction",
            Principal="secretsmanager.amazonaws.com",
        )
        return str(made["FunctionArn"])

    def _version(self) -> str:
        """Publish a version of the function, unless that has happened, and return its number."""
        client = self.stand_in.client("lambda")
        return str(client.publish_version(FunctionName=self.resource(_FUNCTION)[0])["Version"])

    @functools.cache  # noqa: B019 - the same
    def _certificate(self) -> str:
        """Create a certificate for a domain, and return its ARN."""
        client = self.stand_in.client("acm")
        made = client.request_certificate(DomainName="mcp.example.com", ValidationMethod="DNS")
        return str(made["CertificateArn"])

    @functools.cache  # noqa: B019 - the same
    def _load_balancer(self) -> str:
        """Create an internal load balancer, wait until it is active, and return its ARN."""
        ec2, elb = self.stand_in.client("ec2"), self.stand_in.client("elbv2")
        subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])
        (made,) = elb.create_load_balancer(
            Name="internal",
            Scheme="internal",
            Subnets=[each["SubnetId"] for each in subnets["Subnets"]],
        )["LoadBalancers"]
        arn = str(made["LoadBalancerArn"])
        elb.get_waiter("load_balancer_available").wait(
            LoadBalancerArns=[arn], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        return arn

    @functools.cache  # noqa: B019 - the engine lives as long as its module's tests
    def _zone(self) -> str:
        """Create a hosted zone, and return its id."""
        made = self.stand_in.client("route53").create_hosted_zone(
            Name="example.com", CallerReference="test"
        )
        return str(made["HostedZone"]["Id"]).rpartition("/")[2]

    def _vpc(self) -> str:
        """Find the default VPC."""
        return str(self._groups()[0]["VpcId"])

    def _default_group(self) -> str:
        return str(self._groups()[0]["GroupId"])

    def _groups(self) -> list[dict[str, Any]]:
        default = [{"Name": "group-name", "Values": ["default"]}]
        found = self.stand_in.client("ec2").describe_security_groups(Filters=default)
        return list(found["SecurityGroups"])

    def _subnets(self) -> list[str]:
        """List the default VPC's subnets, which are in three zones."""
        found = self.stand_in.client("ec2").describe_subnets()["Subnets"]
        return sorted(each["SubnetId"] for each in found)

    @functools.cache  # noqa: B019 - the engine lives as long as its module's tests
    def _request_certificate(self, domain: str) -> str:
        made = self.stand_in.client("acm").request_certificate(DomainName=domain)
        return str(made["CertificateArn"])

    @functools.cache  # noqa: B019 - the same
    def _other_target_group(self) -> str:
        made = self.stand_in.client("elbv2").create_target_group(
            Name="other", Port=80, Protocol="HTTP", TargetType="ip", VpcId=self._vpc()
        )
        return str(made["TargetGroups"][0]["TargetGroupArn"])

    @functools.cache  # noqa: B019 - the same
    def _other_task(self) -> str:
        made = self.stand_in.client("ecs").register_task_definition(
            family="other",
            cpu="256",
            memory="512",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            executionRoleArn=str(self.resource(_ROLE)[1]["arn"]),
            containerDefinitions=[{"name": "server", "image": "public.example/image:2"}],
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def _resolved(self, value: Any) -> Any:  # noqa: ANN401 - any input
        if isinstance(value, dict):
            return {name: self._resolved(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._resolved(item) for item in value]
        made: dict[str, Callable[[], Any]] = {
            "@image": self._image,
            "@other function": self._other_function,
            "@certificate": self._certificate,
            "@load balancer": self._load_balancer,
            "@version": self._version,
            "@vpc": self._vpc,
            "@zone": self._zone,
            "@subnets": self._subnets,
            "@two subnets": lambda: self._subnets()[:2],
            "@default group": self._default_group,
            "@other certificate": lambda: self._request_certificate("other.example.com"),
            "@other target group": self._other_target_group,
            "@other task": self._other_task,
        }
        if isinstance(value, str) and value in made:
            return made[value]()
        if not isinstance(value, str) or not value.startswith("@"):
            return value
        token, _, output = value.removeprefix("@").partition(".")
        resource_id, state = self.resource(token)
        return state[output] if output else resource_id


def _build_context() -> io.BytesIO:
    release = next(iter(RELEASES.values()))
    files = {
        "server": fetch_binary(release, ROOT / "server" / "build" / "wheels"),
        "Dockerfile": (
            "FROM scratch\nCOPY server /server\n"
            f'LABEL {OWNER_LABEL}="{OWNER}"\nENTRYPOINT ["/server"]\n'
        ).encode(),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def _urn(token: str) -> str:
    return f"urn:pulumi:local::updates::{token}::{token.rpartition(':')[2].lower()}"


# They start containers. Stacks are updated in them by the tests of the program too.
_SLOW = {
    "aws:apprunner/service:Service",
    "aws:ecs/service:Service",
    "aws:lambda/function:Function",
    "aws:lb/loadBalancer:LoadBalancer",
}


@pytest.fixture(scope="module")
def engine(stand_in: StandIn) -> Iterator[Engine]:
    endpoints = [dict.fromkeys(ENDPOINTS.values(), stand_in.endpoint)]
    configuration: Values = {
        "region": REGION,
        "accessKey": stand_in.key.key_id,
        "secretKey": stand_in.key.secret,
        "endpoints": json.dumps(endpoints),
    }
    with grpc.insecure_channel(stand_in.providers["aws"]) as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        stub.Configure(pb.ConfigureRequest(args=encode(configuration), acceptSecrets=True))
        made = Engine(stub=stub, stand_in=stand_in)
        yield made
        made.delete_all()


@pytest.mark.stand_in
@pytest.mark.parametrize(
    "token",
    [pytest.param(each, marks=pytest.mark.slow if each in _SLOW else ()) for each in _CASES],
)
def test_each_updatable_input_changes_and_nothing_else_does(engine: Engine, token: str) -> None:
    declared, case = _TYPES[token].properties, _CASES[token]
    resource_id, state = engine.resource(token)
    inputs = engine.check(token, case.base)
    found = engine.read(token, resource_id, state, inputs)
    for name, value in case.changes.items():
        changed = engine.check(token, {**case.base, **_until(case.changes, name), name: value})
        difference = engine.diff(token, found, changed)
        assert set(difference.diffs) == {name}, f"{name}: {list(difference.diffs)}"
        assert list(difference.replaces) == [], name
        state = engine.update(token, resource_id, found, changed)
        after = engine.read(token, resource_id, state, changed)
        check = case.checks.get(name)
        if check is not None:
            assert check(engine.stand_in, after), name
        else:
            assert same(declared[name], after[name], changed[name]), name
        assert _others(declared, after, name) == _others(declared, found, name), name
        assert engine.diff(token, after, changed).changes == pb.DiffResponse.DIFF_NONE, name
        found = after
    state = engine.update(token, resource_id, found, inputs)
    after = engine.read(token, resource_id, state, inputs)
    assert set(engine.diff(token, after, inputs).diffs) == set(case.kept)


def _until(changes: Mapping[str, Any], name: str) -> dict[str, Any]:
    return dict(itertools.takewhile(lambda each: each[0] != name, changes.items()))


def _others(declared: Properties, state: Values, changed: str) -> Values:
    """Return the inputs that a change of one input must not affect."""
    return as_object(
        without_empty(
            {
                name: value
                for name, value in state.items()
                if name in declared and name != changed and not declared[name].output
            }
        )
    )


def test_every_declared_type_has_a_case() -> None:
    assert set(_CASES) == set(_TYPES)


@pytest.mark.parametrize("token", _CASES)
def test_every_input_is_changed_or_forces_a_replacement_or_is_refused(token: str) -> None:
    declared, case = _TYPES[token].properties, _CASES[token]
    updatable = {
        name
        for name, each in declared.items()
        if not (each.output or each.unsupported or each.force_new)
    }
    assert updatable - _HOW.get(token, set()) - set(case.fixed) == set(case.changes)
    untouched = [
        path
        for name, value in case.changes.items()
        for path in _missing(declared[name], value, name)
    ]
    assert [path for path in untouched if path not in case.fixed] == []


def _missing(declared: Property, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any input
    """Yield the members of an object that no change sets."""
    if declared.kind is Kind.OBJECT:
        for name, member in declared.properties.items():
            if member.unsupported or member.output:
                continue
            if name not in value:
                yield f"{path}.{name}"
            else:
                yield from _missing(member, value[name], f"{path}.{name}")
    elif declared.items is not None and declared.kind in (Kind.LIST, Kind.SET):
        for item in value:
            yield from _missing(declared.items, item, f"{path}[]")
