"""For each rule, inputs that follow it, and one change each that breaks it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from automation.policy.expectations import Expectations
from components.policies import (
    ECS_TASKS,
    call_as,
    configure_log_groups,
    enter_vpc,
    publish_alarms,
    pull_images,
    trust,
    write_metrics,
    write_traces,
)

ACCOUNT = "123456789012"
PLACE = f"us-east-1:{ACCOUNT}"
FUNCTION = "neo4j-mcp-dev-function"
DIGEST = "sha256:" + "ab" * 32
TAGS = {"Project": "p", "Stack": "s", "ManagedBy": "pulumi"}

EXPECTED = Expectations(
    protected=True,
    moves=False,
    encrypted_logs=True,
    public_functions=frozenset({FUNCTION}),
    caller_ports=frozenset({443}),
)
# A stack with no address that is open to everyone.
CLOSED = Expectations(
    protected=False,
    moves=True,
    encrypted_logs=False,
    public_functions=frozenset(),
    caller_ports=frozenset(),
)


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A change of inputs that breaks one rule.

    Attributes:
        inputs: inputs instead of those that follow the rules; None removes one.
        says: a part of the message.
        protected: whether the resource is protected.
        expected: what the stack's configuration expects.
        outputs: the outputs; such a fault shows only in the state.
    """

    rule: str
    type: str
    says: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    protected: bool = True
    expected: Expectations = EXPECTED

    @property
    def all_inputs(self) -> dict[str, Any]:
        merged = {**RIGHT.get(self.type, {}), **self.inputs}
        return {key: value for key, value in merged.items() if value is not None}

    def __str__(self) -> str:
        kind = self.type.rpartition(":")[2]
        return f"{self.rule}-{kind}-{self.says}"


def policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: object, resource: object, **more: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def let(principal: object, action: object = "sns:Publish", **more: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **more}


def containers(**changes: object) -> str:
    container: dict[str, object] = {
        "name": "server",
        "image": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/server@{DIGEST}",
        "user": "65532:65532",
        "readonlyRootFilesystem": True,
        "environment": [{"name": "NEO4J_MCP_URI", "value": "neo4j+s://example.org"}],
        **changes,
    }
    return json.dumps([{key: value for key, value in container.items() if value is not None}])


def origin(**changes: object) -> list[dict[str, Any]]:
    custom = {"originProtocolPolicy": "https-only", "originSslProtocols": ["TLSv1.2"], **changes}
    return [{"domainName": "host.example.org", "customOriginConfig": custom}]


def runs(image: str, **environment: object) -> dict[str, Any]:
    configuration = {"runtimeEnvironmentVariables": {"NEO4J_MCP_URI": "x"}, **environment}
    return {"imageRepository": {"imageIdentifier": image, "imageConfiguration": configuration}}


REPOSITORY = "aws:ecr/repository:Repository"
REPOSITORY_POLICY = "aws:ecr/repositoryPolicy:RepositoryPolicy"
SERVICE = "aws:apprunner/service:Service"
TASKS = "aws:ecs/taskDefinition:TaskDefinition"
ECS_SERVICE = "aws:ecs/service:Service"
LAMBDA = "aws:lambda/function:Function"
PERMISSION = "aws:lambda/permission:Permission"
URL = "aws:lambda/functionUrl:FunctionUrl"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
TOPIC = "aws:sns/topic:Topic"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
SECRET = "aws:secretsmanager/secret:Secret"
SECRET_POLICY = "aws:secretsmanager/secretPolicy:SecretPolicy"
SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
LISTENER = "aws:lb/listener:Listener"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
LOG = "aws:cloudwatch/logGroup:LogGroup"
POOL = "aws:cognito/userPool:UserPool"
CLIENT = "aws:cognito/userPoolClient:UserPoolClient"
IMAGE = "docker:index/image:Image"

_TOPIC_ARN = f"arn:aws:sns:{PLACE}:topic"
_GOOD_IMAGE = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/server@{DIGEST}"

RIGHT: Mapping[str, Mapping[str, Any]] = {
    REPOSITORY: {
        "tags": TAGS,
        "encryptionConfigurations": [{"encryptionType": "AES256"}],
        "imageScanningConfiguration": {"scanOnPush": True},
        "imageTagMutability": "IMMUTABLE",
    },
    SERVICE: {"tags": TAGS, "sourceConfiguration": runs(_GOOD_IMAGE)},
    TASKS: {"tags": TAGS, "containerDefinitions": containers()},
    ECS_SERVICE: {"tags": TAGS},
    LAMBDA: {"tags": TAGS, "environment": {"variables": {"RESOURCE_SERVER_IDENTIFIER": "x"}}},
    PERMISSION: {
        "function": "neo4j-mcp-dev-claims",
        "action": "lambda:InvokeFunction",
        "principal": "cognito-idp.amazonaws.com",
        "sourceArn": f"arn:aws:cognito-idp:{PLACE}:userpool/1",
    },
    URL: {"functionName": FUNCTION, "authorizationType": "NONE"},
    ROLE: {"tags": TAGS, "assumeRolePolicy": trust(ECS_TASKS)},
    ROLE_POLICY: {"policy": pull_images(f"arn:aws:ecr:{PLACE}:repository/server")},
    ATTACHMENT: {"policyArn": "arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole"},
    TOPIC: {"tags": TAGS},
    TOPIC_POLICY: {"policy": publish_alarms(_TOPIC_ARN, alarms="a-*", rule="r")},
    SECRET: {"tags": TAGS},
    INGRESS: {
        "tags": TAGS,
        "cidrIpv4": "0.0.0.0/0",
        "ipProtocol": "tcp",
        "fromPort": 443,
        "toPort": 443,
    },
    EGRESS: {"tags": TAGS, "cidrIpv4": "0.0.0.0/0", "ipProtocol": "tcp", "fromPort": 7687},
    GROUP: {"tags": TAGS, "ingress": [{"cidrBlocks": ["10.0.0.0/8"]}]},
    LISTENER: {
        "tags": TAGS,
        "protocol": "HTTPS",
        "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    },
    BALANCER: {"tags": TAGS, "dropInvalidHeaderFields": True},
    DISTRIBUTION: {
        "tags": TAGS,
        "defaultCacheBehavior": {"viewerProtocolPolicy": "https-only"},
        "viewerCertificate": {"acmCertificateArn": "x", "minimumProtocolVersion": "TLSv1.2_2021"},
        "origins": origin(),
    },
    LOG: {"tags": TAGS, "retentionInDays": 1, "kmsKeyId": "arn"},
    POOL: {"tags": TAGS, "adminCreateUserConfig": {"allowAdminCreateUserOnly": True}},
    CLIENT: {
        "allowedOauthFlows": ["client_credentials"],
        "allowedOauthFlowsUserPoolClient": True,
        "explicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
        "generateSecret": True,
        "accessTokenValidity": 60,
        "tokenValidityUnits": {"accessToken": "minutes"},
    },
    IMAGE: {"registry": {"username": "AWS", "password": "[secret]"}},
}
"""Inputs that follow every rule, by type."""

BROKEN: tuple[Broken, ...] = (
    Broken(rule="tags", type=ROLE, inputs={"tags": {"Project": "p"}}, says="ManagedBy, Stack"),
    Broken(rule="tags", type=TOPIC, inputs={"tags": None}, says="ManagedBy, Project, Stack"),
    Broken(rule="deletion-protection", type=POOL, protected=False, says="deletionProtection"),
    Broken(rule="deletion-protection", type=REPOSITORY, protected=False, says="isn't protected"),
    Broken(rule="deletion-protection", type=SECRET, protected=False, says="isn't protected"),
    Broken(rule="deletion-protection", type=URL, protected=False, says="isn't protected"),
    Broken(
        rule="repository",
        type=REPOSITORY,
        inputs={"encryptionConfigurations": []},
        says="isn't encrypted",
    ),
    Broken(
        rule="repository", type=REPOSITORY, inputs={"imageTagMutability": "MUTABLE"}, says="moved"
    ),
    Broken(
        rule="repository",
        type=REPOSITORY,
        inputs={"imageScanningConfiguration": {"scanOnPush": False}},
        says="doesn't scan",
    ),
    Broken(
        rule="image-digest",
        type=SERVICE,
        inputs={"sourceConfiguration": runs("public.ecr.aws/server:latest")},
        says="server:latest",
    ),
    Broken(
        rule="image-digest",
        type=TASKS,
        inputs={"containerDefinitions": containers(image="server:1.6")},
        says="server:1.6",
    ),
    Broken(
        rule="containers",
        type=TASKS,
        inputs={"containerDefinitions": containers(user="0:65532")},
        says="as root",
    ),
    Broken(
        rule="containers",
        type=TASKS,
        inputs={"containerDefinitions": containers(user=None)},
        says="container as root",
    ),
    Broken(
        rule="containers",
        type=TASKS,
        inputs={"containerDefinitions": containers(readonlyRootFilesystem=None)},
        says="writable file system",
    ),
    Broken(
        rule="containers",
        type=TASKS,
        inputs={"containerDefinitions": containers(privileged=True)},
        says="privileged",
    ),
    Broken(
        rule="containers",
        type=ECS_SERVICE,
        inputs={"enableExecuteCommand": True},
        says="enableExecuteCommand",
    ),
    Broken(
        rule="no-credentials",
        type=LAMBDA,
        inputs={"environment": {"variables": {"NEO4J_PASSWORD": "[secret]"}}},
        says="NEO4J_PASSWORD",
    ),
    Broken(
        rule="no-credentials",
        type=SERVICE,
        inputs={
            "sourceConfiguration": runs(
                _GOOD_IMAGE, runtimeEnvironmentSecrets={"NEO4J_API_KEY": "arn"}
            )
        },
        says="NEO4J_API_KEY",
    ),
    Broken(
        rule="no-credentials",
        type=TASKS,
        inputs={
            "containerDefinitions": containers(
                environment=[{"name": "NEO4J_USERNAME", "value": "neo4j"}]
            )
        },
        says="NEO4J_USERNAME",
    ),
    Broken(
        rule="no-credentials",
        type=TASKS,
        inputs={
            "containerDefinitions": containers(secrets=[{"name": "AUTH_TOKEN", "valueFrom": "x"}])
        },
        says="AUTH_TOKEN",
    ),
    Broken(
        rule="least-privilege",
        type=ROLE_POLICY,
        inputs={"policy": policy(allow("ecr:*", "arn:aws:ecr:x:1:repository/a"))},
        says="allows ecr:*",
    ),
    Broken(
        rule="least-privilege",
        type=ROLE_POLICY,
        inputs={"policy": policy(allow("ecr:Batch?etImage", "arn:aws:ecr:x:1:repository/a"))},
        says="Batch?etImage",
    ),
    Broken(
        rule="least-privilege",
        type=ROLE_POLICY,
        inputs={"policy": policy(allow(["ecr:BatchGetImage"], ["*"]))},
        says="ecr:BatchGetImage on every resource",
    ),
    Broken(
        rule="least-privilege",
        type=ROLE_POLICY,
        inputs={
            "policy": policy(
                allow("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{PLACE}:secret:*")
            )
        },
        says="GetSecretValue on every resource of a type",
    ),
    Broken(
        rule="least-privilege",
        type=ROLE_POLICY,
        inputs={
            "policy": policy(allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/neo4j-mcp-*"))
        },
        says="iam:PassRole",
    ),
    Broken(
        rule="least-privilege",
        type=ROLE_POLICY,
        inputs={
            "policy": policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "arn:aws:x"})
        },
        says="NotAction",
    ),
    Broken(
        rule="least-privilege",
        type=ROLE_POLICY,
        inputs={
            "policy": policy({"Effect": "Allow", "Action": "sns:Publish", "NotResource": "arn"})
        },
        says="sns:Publish on every resource but some",
    ),
    Broken(
        rule="least-privilege", type=ATTACHMENT, inputs={}, says="isn't written in this program"
    ),
    Broken(
        rule="least-privilege",
        type=ROLE,
        inputs={"managedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]},
        says="AdministratorAccess",
    ),
    Broken(
        rule="least-privilege",
        type=ROLE,
        inputs={"inlinePolicies": [{"policy": policy(allow("s3:*", "arn:aws:s3:::bucket"))}]},
        says="s3:*",
    ),
    *(
        Broken(
            rule="trust",
            type=ROLE,
            inputs={"assumeRolePolicy": policy(let(principal, "sts:AssumeRole"))},
            says=says,
        )
        for principal, says in (
            ("*", 'by "*"'),
            ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "root"),
            ({"Service": "ec2.amazonaws.com"}, "ec2.amazonaws.com"),
            ({"Service": ["lambda.amazonaws.com", ECS_TASKS]}, "more than one service"),
        )
    ),
    Broken(
        rule="trust",
        type=ROLE,
        inputs={"assumeRolePolicy": policy(let({"Service": ECS_TASKS}, "sts:*"))},
        says="sts:*",
    ),
    *(
        Broken(rule="public-access", type=kind, inputs={"policy": policy(statement)}, says=says)
        for kind, statement, says in (
            (REPOSITORY_POLICY, let("*", "ecr:BatchGetImage"), "everyone ecr:BatchGetImage"),
            (TOPIC_POLICY, let({"AWS": "*"}), "everyone sns:Publish"),
            (TOPIC, let({"AWS": ["*"]}), "everyone sns:Publish"),
            (TOPIC_POLICY, let({"Service": "events.amazonaws.com"}), "behalf of any account"),
            (SECRET_POLICY, let({"AWS": "210987654321"}, "secretsmanager:*"), "210987654321"),
            (QUEUE_POLICY, let("*", "sqs:SendMessage"), "everyone sqs:SendMessage"),
            (QUEUE_POLICY, {"Effect": "Allow", "NotPrincipal": {"AWS": "1"}}, "everyone"),
        )
    ),
    Broken(
        rule="public-access",
        type=PERMISSION,
        inputs={"sourceArn": None},
        says="on behalf of any account",
    ),
    Broken(rule="public-access", type=PERMISSION, inputs={"principal": "*"}, says="everyone"),
    Broken(
        rule="public-access",
        type=PERMISSION,
        inputs={"principal": "*", "functionUrlAuthType": "NONE"},
        says="everyone call the function",
    ),
    Broken(
        rule="public-access",
        type=PERMISSION,
        inputs={"principal": "*", "function": FUNCTION},
        says="lets everyone",
    ),
    Broken(rule="public-access", type=URL, expected=CLOSED, says="public address"),
    Broken(
        rule="public-access",
        type=URL,
        inputs={"functionName": "neo4j-mcp-dev-rotation"},
        says="isn't the server",
    ),
    Broken(rule="network", type=INGRESS, inputs={"fromPort": 22, "toPort": 22}, says="port 22"),
    Broken(rule="network", type=INGRESS, inputs={"toPort": 444}, says="the ports 443 to 444"),
    Broken(rule="network", type=INGRESS, expected=CLOSED, says="port 443"),
    Broken(
        rule="network",
        type=INGRESS,
        inputs={"fromPort": None, "toPort": None, "ipProtocol": "-1"},
        says="every port",
    ),
    Broken(
        rule="network",
        type=INGRESS,
        inputs={"cidrIpv4": None, "cidrIpv6": "::/0", "fromPort": 80, "toPort": 80},
        says="port 80",
    ),
    Broken(rule="network", type=EGRESS, inputs={"ipProtocol": "-1"}, says="to everything"),
    Broken(
        rule="network",
        type=GROUP,
        inputs={"ingress": [{"cidrBlocks": ["0.0.0.0/0"]}]},
        says="separate rule",
    ),
    Broken(rule="tls", type=LISTENER, inputs={"protocol": "HTTP"}, says="plain HTTP"),
    Broken(
        rule="tls",
        type=LISTENER,
        inputs={"sslPolicy": "ELBSecurityPolicy-2016-08"},
        says="ELBSecurityPolicy-2016-08",
    ),
    Broken(
        rule="tls",
        type=DISTRIBUTION,
        inputs={"defaultCacheBehavior": {"viewerProtocolPolicy": "allow-all"}},
        says="accepts plain HTTP",
    ),
    Broken(
        rule="tls",
        type=DISTRIBUTION,
        inputs={"viewerCertificate": {"minimumProtocolVersion": "TLSv1_2016"}},
        says="TLSv1_2016",
    ),
    Broken(
        rule="tls",
        type=DISTRIBUTION,
        inputs={"origins": origin(originProtocolPolicy="http-only")},
        says="host.example.org with plain HTTP",
    ),
    Broken(
        rule="tls",
        type=DISTRIBUTION,
        inputs={"origins": origin(originSslProtocols=["TLSv1.1", "TLSv1.2"])},
        says="TLSv1.1",
    ),
    Broken(
        rule="invalid-headers",
        type=BALANCER,
        inputs={"dropInvalidHeaderFields": False},
        says="invalid header fields",
    ),
    Broken(rule="logs", type=LOG, inputs={"retentionInDays": None}, says="no retention period"),
    Broken(rule="logs", type=LOG, inputs={"kmsKeyId": None}, says="logKeyArn"),
    Broken(
        rule="client-credentials",
        type=CLIENT,
        inputs={"allowedOauthFlows": ["client_credentials", "implicit"]},
        says="implicit",
    ),
    Broken(
        rule="client-credentials", type=CLIENT, inputs={"allowedOauthFlows": []}, says="flows []"
    ),
    Broken(
        rule="client-credentials",
        type=CLIENT,
        inputs={"allowedOauthFlowsUserPoolClient": False},
        says="client_credentials",
    ),
    Broken(
        rule="client-credentials",
        type=CLIENT,
        inputs={"explicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"]},
        says="ALLOW_USER_PASSWORD_AUTH",
    ),
    Broken(
        rule="client-credentials", type=CLIENT, inputs={"generateSecret": False}, says="no secret"
    ),
    Broken(
        rule="client-credentials",
        type=CLIENT,
        inputs={"accessTokenValidity": 1441},
        says="1441 minutes",
    ),
    Broken(
        rule="client-credentials",
        type=CLIENT,
        inputs={"tokenValidityUnits": {"accessToken": "days"}},
        says="60 days",
    ),
    Broken(
        rule="sign-up",
        type=POOL,
        inputs={"adminCreateUserConfig": {"allowAdminCreateUserOnly": False}},
        says="sign themselves up",
    ),
    Broken(rule="sign-up", type=POOL, inputs={"adminCreateUserConfig": None}, says="sign"),
    Broken(
        rule="no-secret-values",
        type=SECRET_VERSION,
        inputs={"secretString": "[secret]"},
        says="rotation function",
    ),
    Broken(
        rule="no-secret-values",
        type=IMAGE,
        inputs={"registry": {"username": "AWS", "password": "plain"}},
        says="registry.password in its inputs",
    ),
    Broken(
        rule="no-secret-values",
        type=CLIENT,
        outputs={"clientSecret": "plain"},
        says="clientSecret in its outputs",
    ),
)
"""Every rule, broken in every way that it knows."""


def nearly_broken() -> Iterator[tuple[str, str, Mapping[str, Any], Expectations]]:
    """Yield what looks like a violation and is none: a name, a type, inputs, expectations."""
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    for kind, inputs in RIGHT.items():
        if kind != ATTACHMENT:
            yield f"{kind} as it should be", kind, inputs, EXPECTED
    policies = {
        "X-Ray's actions on everything": write_traces(),
        "metrics on everything in one namespace": write_metrics("Neo4jMcp"),
        "the function's network interfaces": enter_vpc("f"),
        "looking up log groups": configure_log_groups(["g"], region="r", account=ACCOUNT),
        "one secret": call_as(f"arn:aws:secretsmanager:{PLACE}:secret:a-1"),
        "a denial of everything": policy({"Effect": "Deny", "Action": "*", "Resource": "*"}),
        "passing one role": policy(allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/a")),
        "what isn't known yet": unknown,
    }
    for name, document in policies.items():
        yield name, ROLE_POLICY, {"policy": document}, EXPECTED
    yield (
        "SNS's own policy of a new topic",
        TOPIC,
        {
            "tags": TAGS,
            "policy": policy(
                let({"AWS": "*"}, Condition={"StringEquals": {"AWS:SourceOwner": ACCOUNT}})
            ),
        },
        EXPECTED,
    )
    for more in ({"functionUrlAuthType": "NONE"}, {"invokedViaFunctionUrl": True}):
        inputs = {"principal": "*", "function": FUNCTION, "action": "lambda:Invoke", **more}
        yield f"the server's address {more}", PERMISSION, inputs, EXPECTED
    yield (
        "the server's address by ARN",
        URL,
        {"functionName": f"arn:aws:lambda:{PLACE}:function:{FUNCTION}:live"},
        EXPECTED,
    )
    yield (
        "plain HTTP behind CloudFront",
        LISTENER,
        {"tags": TAGS, "protocol": "HTTP"},
        CLOSED,
    )
    yield (
        "CloudFront's certificate",
        DISTRIBUTION,
        {
            "tags": TAGS,
            "viewerCertificate": {"cloudfrontDefaultCertificate": True},
            "defaultCacheBehavior": {"viewerProtocolPolicy": "redirect-to-https"},
        },
        EXPECTED,
    )
    yield "no key where none is configured", LOG, {"tags": TAGS, "retentionInDays": 7}, CLOSED
    yield (
        "a disabled client",
        CLIENT,
        {
            **RIGHT[CLIENT],
            "allowedOauthFlows": [],
            "allowedOauthFlowsUserPoolClient": False,
        },
        EXPECTED,
    )
    for minutes in (5, 1440):
        yield (
            f"{minutes} minutes",
            CLIENT,
            {**RIGHT[CLIENT], "accessTokenValidity": minutes},
            CLOSED,
        )
    yield "a type without tags", "random:index/randomString:RandomString", {}, EXPECTED
