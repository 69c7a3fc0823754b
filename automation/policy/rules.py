"""The rules that every resource of a stack follows. Pure.

A rule takes a resource as it is registered, previewed or deployed, and yields a message for
everything that is wrong with it. An unknown value violates none.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from automation.policy.documents import excessive_rights, public_access, unwanted_trust
from automation.policy.expectations import Expectations
from automation.policy.resources import SECRET, Resource, differs, is_known, items
from automation.update_plan import UNKNOWN
from components.protection import PROTECTED
from components.settings import CANARY, RESERVED_TAGS

# No environment variable of the server contains these, in any release.
_CREDENTIAL_WORDS: Final = ("USERNAME", "PASSWORD", "SECRET", "TOKEN", "API_KEY")
# Inputs and outputs that hold a secret value, in whichever type has them.
_SECRET_VALUES: Final = frozenset(
    {"clientSecret", "masterPassword", "password", "secretBinary", "secretString"}
)
_SERVICE: Final = "aws:apprunner/service:Service"
_TASKS: Final = "aws:ecs/taskDefinition:TaskDefinition"
_CLIENT: Final = "aws:cognito/userPoolClient:UserPoolClient"
_INGRESS: Final = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
_EGRESS: Final = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
_RULES_INSIDE: Final = "aws:ec2/securityGroup:SecurityGroup"
_EVERYWHERE: Final = frozenset({"0.0.0.0/0", "::/0"})
# A type, and its property with the policy of who may use the resource.
_RESOURCE_POLICIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "aws:ecr/repositoryPolicy:RepositoryPolicy": "policy",
        "aws:secretsmanager/secretPolicy:SecretPolicy": "policy",
        "aws:sns/topicPolicy:TopicPolicy": "policy",
        "aws:sns/topic:Topic": "policy",
        "aws:sqs/queuePolicy:QueuePolicy": "policy",
    }
)
# What the canary has can be removed although the stack is protected, and so can what the host has
# that callers don't use while the stack moves. Source: StackContext.unprotected.
_CANARY: Final = frozenset({f"identity-client-{CANARY}", f"credentials-{CANARY}"})
_CANARY_PARTS: Final = f"{CANARY}-"
_HOST_PARTS: Final = "server-"
# Source: "Security policies for your Application Load Balancer": those with forward secrecy and
# TLS 1.2 or newer only.
_TLS_POLICIES: Final = ("ELBSecurityPolicy-TLS13-1-2-", "ELBSecurityPolicy-TLS13-1-3-")
_HTTP: Final = "HTTP"
# Source: the pattern of an image's digest in "BatchGetImage" of the Amazon ECR API Reference.
_DIGEST: Final = "@sha256:"
_MINIMUM_MINUTES: Final = 5
_MAXIMUM_MINUTES: Final = 24 * 60
_TAGGED: Final = frozenset(
    {
        "aws:appautoscaling/target:Target",
        "aws:apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion",
        "aws:apprunner/observabilityConfiguration:ObservabilityConfiguration",
        "aws:apprunner/service:Service",
        "aws:apprunner/vpcConnector:VpcConnector",
        "aws:cloudfront/distribution:Distribution",
        "aws:cloudfront/function:Function",
        "aws:cloudfront/vpcOrigin:VpcOrigin",
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        "aws:cloudwatch/eventRule:EventRule",
        "aws:cloudwatch/logDelivery:LogDelivery",
        "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination",
        "aws:cloudwatch/logDeliverySource:LogDeliverySource",
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:cognito/userPool:UserPool",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ecr/repository:Repository",
        "aws:ecs/cluster:Cluster",
        "aws:ecs/service:Service",
        "aws:ecs/taskDefinition:TaskDefinition",
        "aws:iam/role:Role",
        "aws:lambda/function:Function",
        "aws:lb/listener:Listener",
        "aws:lb/loadBalancer:LoadBalancer",
        "aws:lb/targetGroup:TargetGroup",
        "aws:secretsmanager/secret:Secret",
        "aws:sns/topic:Topic",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "aws:wafv2/webAcl:WebAcl",
    }
)

Rule = Callable[[Resource, Expectations], Iterator[str]]


def resources_are_tagged(resource: Resource, _: Expectations) -> Iterator[str]:
    """Require the project's and the stack's tags on every resource that can have tags."""
    if resource.type in _TAGGED:
        tags = resource.inputs.get("tags") or {}
        missing = sorted(set(RESERVED_TAGS) - tags.keys()) if tags != UNKNOWN else []
        if missing:
            yield f"lacks the tags {', '.join(missing)}"


def stateful_resources_are_protected(resource: Resource, expected: Expectations) -> Iterator[str]:
    """Require protection, if it is configured, of what can't be created again as it was."""
    if not expected.protected or resource.type not in PROTECTED or resource.protected:
        return
    name = resource.name
    of_the_canary = name in _CANARY or name.startswith(_CANARY_PARTS)
    if not of_the_canary and not (expected.moves and name.startswith(_HOST_PARTS)):
        yield "isn't protected, although deletionProtection is true"


def repository_is_secure(resource: Resource, _: Expectations) -> Iterator[str]:
    """Require an image repository with encryption, a scan on push and immutable tags.

    Source: controls ECR.1 and ECR.2 in the AWS Security Hub User Guide.
    """
    if resource.type != "aws:ecr/repository:Repository":
        return
    if not resource.inputs.get("encryptionConfigurations"):
        yield "isn't encrypted"
    scanning = resource.inputs.get("imageScanningConfiguration") or {}
    if isinstance(scanning, Mapping) and differs(scanning, "scanOnPush", True):
        yield "doesn't scan images when they are pushed"
    if differs(resource.inputs, "imageTagMutability", "IMMUTABLE"):
        yield "allows a tag to be moved to another image"


def images_are_pinned(resource: Resource, _: Expectations) -> Iterator[str]:
    """Require that a service names its image by digest, which no later push can change.

    Source: "Container image immutability" in the Amazon ECS Developer Guide.
    """
    images = [each.get("image") for each in _containers(resource)]
    if resource.type == _SERVICE:
        source = resource.inputs.get("sourceConfiguration") or {}
        repository = source.get("imageRepository") or {} if source != UNKNOWN else {}
        images = [repository.get("imageIdentifier")] if repository != UNKNOWN else []
    for image in images:
        if is_known(image) and _DIGEST not in str(image):
            yield f"runs {image}, which isn't named by its digest"


def containers_are_confined(resource: Resource, _: Expectations) -> Iterator[str]:
    """Require containers without root, privileges, a writable file system and a shell.

    Source: controls ECS.4, ECS.5 and ECS.20 in the AWS Security Hub User Guide.
    """
    for container in _containers(resource):
        user = str(container.get("user") or "root").partition(":")[0]
        if user in {"root", "0"}:
            yield "runs its container as root"
        if container.get("readonlyRootFilesystem") is not True:
            yield "has a container with a writable file system"
        if container.get("privileged"):
            yield "has a privileged container"
    if resource.type == "aws:ecs/service:Service" and differs(
        resource.inputs, "enableExecuteCommand", None, False
    ):
        yield "lets commands be run in its containers (enableExecuteCommand)"


def no_credentials_in_environments(resource: Resource, _: Expectations) -> Iterator[str]:
    """Refuse a credential in the environment of the server or a function.

    Source: controls ECS.8 and Lambda's "Working with sensitive data" in AWS's documentation.
    """
    names = _variables(resource.inputs)
    for container in _containers(resource):
        for part in ("environment", "secrets"):
            names |= {str(each.get("name")) for each in container.get(part) or ()}
    for name in sorted(names):
        if names_credential(name):
            yield f"has {name} in its environment"


def least_privilege(resource: Resource, _: Expectations) -> Iterator[str]:
    """Refuse wildcard actions, and all resources for an action that can be limited to some.

    Source: "Security best practices in IAM" in the AWS Identity and Access Management User Guide.
    """
    if resource.type == "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
        yield "attaches a policy that isn't written in this program"
    if resource.type == "aws:iam/rolePolicy:RolePolicy":
        yield from _judged(resource.inputs.get("policy"), excessive_rights)
    if resource.type == "aws:iam/role:Role":
        if attached := items(resource.inputs, "managedPolicyArns"):
            yield f"has policies that aren't written in this program: {attached}"
        for each in items(resource.inputs, "inlinePolicies"):
            yield from _judged(each.get("policy"), excessive_rights)


def one_service_per_role(resource: Resource, _: Expectations) -> Iterator[str]:
    """Require that a role is assumed by the one service that it is for, and by nobody else.

    Source: "The confused deputy problem" in the AWS Identity and Access Management User Guide.
    """
    if resource.type == "aws:iam/role:Role":
        yield from _judged(resource.inputs.get("assumeRolePolicy"), unwanted_trust)


def nothing_is_public(resource: Resource, expected: Expectations) -> Iterator[str]:
    """Refuse policies that let everyone, or a service on anyone's behalf, use a resource.

    The one exception is the server on Lambda: its function URL is the address that callers use,
    and the server refuses those without a token. Source: "Cross-service confused deputy
    prevention" and "Control access to Lambda function URLs" in AWS's documentation.
    """
    if resource.type in _RESOURCE_POLICIES:
        yield from _judged(resource.inputs.get(_RESOURCE_POLICIES[resource.type]), public_access)
    elif resource.type == "aws:lambda/permission:Permission":
        yield from _permission(resource.inputs, expected)
    elif resource.type == "aws:lambda/functionUrl:FunctionUrl":
        inputs = resource.inputs
        named = _function_name(inputs.get("functionName"))
        if differs(inputs, "authorizationType", "AWS_IAM") and not _may_be_public(named, expected):
            yield "is a public address of a function that isn't the server"


def only_callers_from_everywhere(resource: Resource, expected: Expectations) -> Iterator[str]:
    """Refuse connections from everywhere, except to the port that callers use.

    Source: controls EC2.13, EC2.14 and EC2.18 in the AWS Security Hub User Guide.
    """
    inputs = resource.inputs
    if resource.type == _RULES_INSIDE:
        for each in items(inputs, "ingress"):
            if _EVERYWHERE & {*items(each, "cidrBlocks"), *items(each, "ipv6CidrBlocks")}:
                yield "lets everyone connect, by a separate rule"
    elif resource.type == _INGRESS and _is_everywhere(inputs):
        first, last = inputs.get("fromPort"), inputs.get("toPort")
        if UNKNOWN in (first, last, inputs.get("ipProtocol")):
            return
        if first != last or first not in expected.caller_ports:
            yield f"lets everyone connect to {_ports(first, last)}"
    elif resource.type == _EGRESS and _is_everywhere(inputs) and inputs.get("ipProtocol") == "-1":
        yield "lets its members connect to everything"


def connections_are_encrypted(resource: Resource, expected: Expectations) -> Iterator[str]:
    """Require TLS 1.2 or newer on every way from a caller to the load balancer.

    A load balancer without a domain answers plain HTTP, and only CloudFront reaches it, in the
    VPC. Source: controls ELB.17, CloudFront.3 and CloudFront.10 in the AWS Security Hub User Guide.
    """
    inputs = resource.inputs
    if resource.type == "aws:lb/listener:Listener":
        if inputs.get("protocol") == _HTTP:
            if expected.caller_ports:
                yield "accepts plain HTTP"
        elif is_known(inputs.get("protocol")):
            policy = inputs.get("sslPolicy")
            if policy != UNKNOWN and not str(policy).startswith(_TLS_POLICIES):
                yield f"accepts connections that are older than TLS 1.2 (sslPolicy {policy})"
    if resource.type == "aws:cloudfront/distribution:Distribution":
        yield from _distribution(inputs)


def load_balancers_drop_invalid_headers(resource: Resource, _: Expectations) -> Iterator[str]:
    """Require that a load balancer removes headers that could smuggle a request.

    Source: control ELB.4 in the AWS Security Hub User Guide.
    """
    if resource.type == "aws:lb/loadBalancer:LoadBalancer" and differs(
        resource.inputs,
        "dropInvalidHeaderFields",
        True,
    ):
        yield "passes invalid header fields on"


def logs_expire(resource: Resource, expected: Expectations) -> Iterator[str]:
    """Require a retention period for every log group, and the configured key.

    Source: control CloudWatch.16 in the AWS Security Hub User Guide.
    """
    if resource.type != "aws:cloudwatch/logGroup:LogGroup":
        return
    if not resource.inputs.get("retentionInDays"):
        yield "has no retention period"
    if expected.encrypted_logs and not resource.inputs.get("kmsKeyId"):
        yield "isn't encrypted with the key that logKeyArn names"


def only_client_credentials(resource: Resource, _: Expectations) -> Iterator[str]:
    """Allow app clients the client-credentials flow only, or none, with a secret.

    Source: "Application-specific settings with app clients" in the Amazon Cognito Developer Guide,
    also for how long a token can be valid.
    """
    if resource.type != _CLIENT:
        return
    inputs = resource.inputs
    flows = inputs.get("allowedOauthFlows")
    enabled = inputs.get("allowedOauthFlowsUserPoolClient")
    if UNKNOWN not in (flows, enabled) and flows != (["client_credentials"] if enabled else []):
        yield f"allows the OAuth 2.0 flows {flows}"
    # A refresh token can't be issued in the client-credentials flow; Cognito requires one entry.
    if users := sorted(set(items(inputs, "explicitAuthFlows")) - {"ALLOW_REFRESH_TOKEN_AUTH"}):
        yield f"lets users sign in ({', '.join(users)})"
    if differs(inputs, "generateSecret", True):
        yield "has no secret"
    minutes = inputs.get("accessTokenValidity")
    units = inputs.get("tokenValidityUnits") or {}
    # Without a unit, Cognito counts hours.
    unit = units.get("accessToken", "hours") if isinstance(units, Mapping) else UNKNOWN
    if (
        UNKNOWN not in (minutes, unit)
        and is_known(minutes)
        and not (unit == "minutes" and _MINIMUM_MINUTES <= float(str(minutes)) <= _MAXIMUM_MINUTES)
    ):
        yield f"has tokens that are valid for {minutes} {unit}"


def nobody_signs_up(resource: Resource, _: Expectations) -> Iterator[str]:
    """Require a user pool in which nobody can create a user.

    Source: "Configuring policies for user creation" in the Amazon Cognito Developer Guide.
    """
    if resource.type == "aws:cognito/userPool:UserPool":
        creation = resource.inputs.get("adminCreateUserConfig") or {}
        if creation != UNKNOWN and differs(creation, "allowAdminCreateUserOnly", True):
            yield "lets people sign themselves up"


def no_secret_values(resource: Resource, _: Expectations) -> Iterator[str]:
    """Refuse the value of a secret: the state would hold it, and undo its rotations.

    Other secret values must at least be Pulumi secrets, which the state encrypts. Source:
    "Secrets handling" in Pulumi's documentation.
    """
    if resource.type == "aws:secretsmanager/secretVersion:SecretVersion":
        yield "writes a secret's value, which the rotation function owns"
    for where, values in (("inputs", resource.inputs), ("outputs", resource.outputs)):
        for path in sorted(_plain_secrets(values)):
            yield f"has {path} in its {where} as plain text"


RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "tags": resources_are_tagged,
        "deletion-protection": stateful_resources_are_protected,
        "repository": repository_is_secure,
        "image-digest": images_are_pinned,
        "containers": containers_are_confined,
        "no-credentials": no_credentials_in_environments,
        "least-privilege": least_privilege,
        "trust": one_service_per_role,
        "public-access": nothing_is_public,
        "network": only_callers_from_everywhere,
        "tls": connections_are_encrypted,
        "invalid-headers": load_balancers_drop_invalid_headers,
        "logs": logs_expire,
        "client-credentials": only_client_credentials,
        "sign-up": nobody_signs_up,
        "no-secret-values": no_secret_values,
    }
)
"""The rules by name."""


def names_credential(variable: str) -> bool:
    """Return whether an environment variable has the name of a credential."""
    return any(word in variable.upper() for word in _CREDENTIAL_WORDS)


def _judged(document: object, judge: Callable[[str], Iterator[str]]) -> Iterator[str]:
    if is_known(document) and document:
        yield from judge(str(document))


def _containers(resource: Resource) -> list[Mapping[str, Any]]:
    definitions = resource.inputs.get("containerDefinitions")
    if resource.type != _TASKS or not is_known(definitions):
        return []
    found: list[Mapping[str, Any]] = json.loads(str(definitions))
    return found


def _variables(inputs: Mapping[str, Any]) -> set[str]:
    names: set[str] = set()
    for key, value in inputs.items():
        if key in {"runtimeEnvironmentVariables", "runtimeEnvironmentSecrets", "variables"}:
            names |= set(value) if isinstance(value, Mapping) else set()
        elif isinstance(value, Mapping):
            names |= _variables(value)
    return names


def _permission(inputs: Mapping[str, Any], expected: Expectations) -> Iterator[str]:
    principal = inputs.get("principal")
    # An address, or calls by an address only: Lambda requires both statements.
    by_url = (
        inputs.get("functionUrlAuthType") == "NONE" or inputs.get("invokedViaFunctionUrl") is True
    )
    if principal == "*":
        if not (by_url and _may_be_public(_function_name(inputs.get("function")), expected)):
            yield f"lets everyone call the function ({inputs.get('action')})"
    elif is_known(principal) and not (inputs.get("sourceArn") or inputs.get("sourceAccount")):
        yield (
            f"lets {principal} call the function on behalf of any account"
            " (no sourceArn or sourceAccount)"
        )


def _function_name(function: object) -> object:
    """Return the name of a function, which a resource may name by its ARN."""
    return str(function).partition(":function:")[2].partition(":")[0] or function


def _may_be_public(function: object, expected: Expectations) -> bool:
    return function == UNKNOWN or function in expected.public_functions


def _is_everywhere(inputs: Mapping[str, Any]) -> bool:
    return bool(_EVERYWHERE & {inputs.get("cidrIpv4"), inputs.get("cidrIpv6")})


def _ports(first: object, last: object) -> str:
    if first is None:
        return "every port"
    return f"port {first:g}" if first == last else f"the ports {first:g} to {last:g}"


def _distribution(inputs: Mapping[str, Any]) -> Iterator[str]:
    behaviors = [inputs.get("defaultCacheBehavior"), *items(inputs, "orderedCacheBehaviors")]
    for behavior in behaviors:
        if isinstance(behavior, Mapping) and differs(
            behavior, "viewerProtocolPolicy", "https-only", "redirect-to-https"
        ):
            yield "accepts plain HTTP"
    certificate = inputs.get("viewerCertificate")
    # CloudFront's own certificate comes with its own choice of TLS versions.
    if isinstance(certificate, Mapping) and not certificate.get("cloudfrontDefaultCertificate"):
        minimum = certificate.get("minimumProtocolVersion")
        if minimum != UNKNOWN and not str(minimum).startswith(("TLSv1.2", "TLSv1.3")):
            yield f"accepts connections that are older than TLS 1.2 ({minimum})"
    for origin in items(inputs, "origins"):
        custom = origin.get("customOriginConfig") if isinstance(origin, Mapping) else None
        if not isinstance(custom, Mapping):
            continue
        versions = set(items(custom, "originSslProtocols"))
        if differs(custom, "originProtocolPolicy", "https-only"):
            yield f"connects to {origin.get('domainName')} with plain HTTP"
        elif not versions <= {"TLSv1.2", "TLSv1.3"}:
            yield f"connects to {origin.get('domainName')} with {', '.join(sorted(versions))}"


def _plain_secrets(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _plain_secrets(value, f"{prefix}{key}.")
        elif key in _SECRET_VALUES and value not in (None, "", SECRET, UNKNOWN):
            yield f"{prefix}{key}"
