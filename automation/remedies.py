"""What fixes an error of AWS that a deployment ran into. Pure."""

import re
import shlex
from collections.abc import Iterator
from typing import Final

from automation.regions import find_region_remedies
from components.hosting.apprunner.availability import CLOSED_SINCE, refuses_new_customers
from components.settings import Hosting

_APP_RUNNER: Final = re.compile(r"app ?runner", re.IGNORECASE)
# Lambda spells it without the last letter.
_CONCURRENCY: Final = re.compile(r"UnreservedConcurrentExecutions? below its minimum value")
_LINKED_ROLE_UNUSABLE: Final = re.compile(r"Unable to assume the service linked role")
_LINKED_ROLE_REFUSED: Final = re.compile(
    r"iam:CreateServiceLinkedRole on resource: \S*:role/aws-service-role/(?P<service>[a-z0-9.-]+)"
)
_NO_LOAD_BALANCERS: Final = re.compile(r"does not support creating load balancers")
_CERTIFICATE_REFUSED: Final = re.compile(
    r"CertificateNotFound: |UnsupportedCertificate: The certificate"
)
_NO_INTERNET_GATEWAY: Final = re.compile(r"does not have an internet gateway in its VPC")
_OTHER_ZONE: Final = re.compile(r"RRSet with DNS name \S+ is not permitted in zone")
_RECORD_EXISTS: Final = re.compile(
    r"create resource record set \[name='[^']+', type='A'\] but it already exists"
    r"|RRSet of type A with DNS name \S+ is not permitted because a conflicting RRSet"
)
_LOG_KEY_REFUSED: Final = re.compile(
    r"The specified KMS key does not exist or is not allowed to be used with Arn"
)
# The provider's prefix, and the messages of CreateSecret for a name that a secret has.
_SECRET_EXISTS: Final = re.compile(
    r"CreateSecret\b[^\n]*(?:secret with this name is already scheduled for deletion"
    r"|The operation failed because the secret \S+ already exists)"
    r"|creating Secrets Manager Secret [^\n]*(?:already scheduled for deletion|already exists)"
)

_NEXT_HOST: Final = "While the stack moves to this host, the key is part of nextHost"


def find_remedies(error: str, stack: str) -> Iterator[str]:
    """Find what fixes an error, as AWS or the engine reports it."""
    if _APP_RUNNER.search(error) and refuses_new_customers(error):
        yield f"{another_host(stack)}. {_NEXT_HOST}"
    if _CONCURRENCY.search(error):
        yield f"{no_reservation(stack)}. {_NEXT_HOST}"
    yield from find_region_remedies(error, stack)
    yield from _linked_role_remedies(error)
    if _NO_LOAD_BALANCERS.search(error):
        yield (
            "AWS doesn't let this account create load balancers, as it does with some new ones. Ask"
            " AWS Support to allow it, or choose a host without one: pulumi config set --stack"
            f" {stack} hosting lambda"
        )
    if _CERTIFICATE_REFUSED.search(error):
        yield (
            "The load balancer needs an ACM certificate of the stack's region that is ISSUED, with"
            " an RSA or ECDSA key: aws acm list-certificates. Then run: pulumi config set --path"
            f" --stack {stack} serviceDomain.certificateArn <arn>"
        )
    if _NO_INTERNET_GATEWAY.search(error):
        yield (
            "CloudFront requires an internet gateway in the load balancer's VPC, without a route to"
            " it: aws ec2 create-internet-gateway, then aws ec2 attach-internet-gateway. Or choose"
            f" another VPC: pulumi config set --path --stack {stack} network.vpcId <vpc>"
        )
    if _OTHER_ZONE.search(error):
        yield (
            "serviceDomain.hostedZoneId must be the zone that contains serviceDomain.name (aws"
            " route53 list-hosted-zones): pulumi config set --path --stack"
            f" {stack} serviceDomain.hostedZoneId <id>"
        )
    if _LOG_KEY_REFUSED.search(error):
        yield (
            "The key of logKeyArn must exist in the region of the log group and be enabled, and its"
            " policy needs the statement for CloudWatch Logs of docs/logs.md: aws kms"
            " get-key-policy, then aws kms put-key-policy. Or do without a key of your own: pulumi"
            f" config rm --stack {stack} logKeyArn"
        )
    if _SECRET_EXISTS.search(error):
        yield (
            "Somebody deleted a client's secret, and a refresh removed it from the state. The new"
            " one needs its name: docs/procedures.md#replace-secret has the commands"
        )
    if _RECORD_EXISTS.search(error):
        yield (
            "Something else has made the domain's record. Delete it, or leave it to whoever made"
            " it, with the output serviceDomainTarget as its target: pulumi config rm --path"
            f" --stack {stack} serviceDomain.hostedZoneId"
        )


def _linked_role_remedies(error: str) -> Iterator[str]:
    refused = _LINKED_ROLE_REFUSED.search(error)
    if refused is not None:
        yield (
            "AWS needs a role in the account that only its first such resource creates. Have"
            " somebody create it who may: aws iam create-service-linked-role --aws-service-name"
            f" {refused['service']}. Then deploy again."
        )
    if _LINKED_ROLE_UNUSABLE.search(error):
        yield (
            "ECS creates its role with an account's first cluster, and can't use it at once. Deploy"
            " again in a minute. If the role doesn't exist (aws iam get-role --role-name"
            " AWSServiceRoleForECS), create it: aws iam create-service-linked-role"
            " --aws-service-name ecs.amazonaws.com"
        )


def another_host(stack: str, key: str = "hosting") -> str:
    """Say how to leave App Runner.

    Args:
        key: where it is chosen, as `pulumi config --path` spells it.
    """
    commands = " or ".join(
        config_command(stack, key, host) for host in Hosting if host is not Hosting.APP_RUNNER
    )
    return (
        f"AWS App Runner has taken no new customers since {CLOSED_SINCE}, and this account is one."
        f" Choose another host (docs/hosting.md compares them): {commands}"
    )


def no_reservation(stack: str) -> str:
    """Say how to deploy without reserving concurrency."""
    return (
        "maxInstances is reserved from the account's concurrency, of which Lambda keeps 100. Ask"
        " AWS for a higher quota, or reserve nothing, so that only the account's own limit"
        f" applies: {config_command(stack, 'maxInstances', '0')}"
    )


def config_command(stack: str, key: str, value: str) -> str:
    """Return the command that sets a key, as `pulumi config --path` spells it."""
    path = "--path " if {".", "["} & set(key) else ""
    return f"pulumi config set --stack {stack} {path}{shlex.quote(key)} {value}"
