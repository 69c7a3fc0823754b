"""The account's services, as those of them that run here use the others.

Requests go to the endpoint itself, through boto3, as these services on AWS call the others.
The calls block, so they run in the event loop's executor.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import unquote

import boto3.session
import botocore.config
import botocore.session
from botocore.exceptions import ClientError

from localcloud.access_key import AccessKey
from localcloud.aws.iam import rules as iam

_PULL_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)
_READ_TIMEOUT = 20
_LONGEST_FUNCTION = 910
"""Seconds; a function runs for 15 minutes at most."""
_INVOCATIONS = 64
_Result = TypeVar("_Result")


class Account:
    """The account's other services.

    Attributes:
        client: creates boto3's client for a service by its name; its calls block.
    """

    def __init__(self, *, endpoint: str, region: str, account_id: str, key: AccessKey) -> None:
        """Create the clients, without a request."""
        self.account_id = account_id
        self.region = region
        # A person's own AWS profile and files must not be read.
        empty_file = (None, None, os.devnull, None)
        session = boto3.session.Session(
            aws_access_key_id=key.key_id,
            aws_secret_access_key=key.secret,
            region_name=region,
            botocore_session=botocore.session.Session(
                session_vars={
                    "profile": (None, None, None, None),
                    "config_file": empty_file,
                    "credentials_file": empty_file,
                }
            ),
        )
        config = botocore.config.Config(
            connect_timeout=5,
            read_timeout=_READ_TIMEOUT,
            retries={"total_max_attempts": 2},
            # A person's proxy can't reach the endpoint, which is on this machine.
            proxies={},
        )
        # An invocation ends with the function, and is never repeated.
        invoking = botocore.config.Config(
            connect_timeout=5,
            read_timeout=_LONGEST_FUNCTION,
            retries={"total_max_attempts": 1},
            max_pool_connections=_INVOCATIONS,
            proxies={},
        )

        def client(service: str, config: botocore.config.Config = config) -> Any:  # noqa: ANN401 - boto3 creates its clients at run time
            return session.client(service, endpoint_url=endpoint, config=config)  # type: ignore[call-overload] # the name is no literal

        self.client: Callable[[str], Any] = client
        self._iam = client("iam")
        self._ecr = client("ecr")
        self._secrets = client("secretsmanager")
        self._logs = client("logs")
        self._ec2 = client("ec2")
        self._metrics = client("cloudwatch")
        self._functions = client("lambda", invoking)
        self._certificates = client("acm")
        self._load_balancers = client("elbv2")
        self._distributions = client("cloudfront")

    async def trusts(self, role_arn: str, service: str, context: Mapping[str, str]) -> bool:
        """Return whether a role exists and trusts a service principal.

        Args:
            role_arn: the role.
            service: the service principal.
            context: condition keys and their values.
        """
        try:
            role = await _in_thread(self._iam.get_role, RoleName=_role_name(role_arn))
        except ClientError:
            return False
        document = _document(role["Role"]["AssumeRolePolicyDocument"])
        return iam.trusts(document, service, context)

    async def denied_pull_actions(
        self, role_arn: str, repository: str, context: Mapping[str, str]
    ) -> list[str]:
        """List the actions for pulling an image that a role is denied.

        Args:
            role_arn: the role.
            repository: the repository's name.
            context: condition keys and their values.
        """
        arn = f"arn:aws:ecr:{self.region}:{self.account_id}:repository/{repository}"
        wanted = [("ecr:GetAuthorizationToken", "*"), *((action, arn) for action in _PULL_ACTIONS)]
        return await self.denied_actions(role_arn, wanted, context)

    async def denied_actions(
        self, role_arn: str, wanted: Sequence[tuple[str, str]], context: Mapping[str, str]
    ) -> list[str]:
        """List the actions that a role is denied.

        Args:
            role_arn: the role.
            wanted: actions, each with the ARN of its resource.
            context: condition keys and their values.
        """
        documents = await self._role_policies(role_arn)
        return [
            action
            for action, resource in wanted
            if not iam.allows(documents, action, resource, context)
        ]

    async def image_digest(self, repository: str, reference: str) -> str | None:
        """Return the digest of an image in ECR; None if it doesn't exist.

        Args:
            repository: the repository's name.
            reference: a tag or a digest.
        """
        key = "imageDigest" if reference.startswith("sha256:") else "imageTag"
        try:
            response = await _in_thread(
                self._ecr.batch_get_image, repositoryName=repository, imageIds=[{key: reference}]
            )
        except ClientError:
            return None
        images = response["images"]
        return str(images[0]["imageId"]["imageDigest"]) if images else None

    async def has_load_balancer(self, arn: str) -> bool:
        """Return whether a load balancer exists and is active."""
        try:
            response = await _in_thread(
                self._load_balancers.describe_load_balancers, LoadBalancerArns=[arn]
            )
        except ClientError:
            return False
        return all(each["State"]["Code"] == "active" for each in response["LoadBalancers"])

    async def has_distribution(self, arn: str) -> bool:
        """Return whether a distribution of CloudFront exists."""
        try:
            await _in_thread(self._distributions.get_distribution, Id=arn.rpartition("/")[2])
        except ClientError:
            return False
        return True

    async def certificate_names(self, arn: str) -> tuple[str, ...] | None:
        """Return the names of a certificate in ACM; None if there is none that is issued."""
        try:
            response = await _in_thread(self._certificates.describe_certificate, CertificateArn=arn)
        except ClientError:
            return None
        certificate = response["Certificate"]
        if certificate["Status"] != "ISSUED":
            return None
        return (certificate["DomainName"], *certificate.get("SubjectAlternativeNames", ()))

    async def secret(self, reference: str, role_arn: str, context: Mapping[str, str]) -> str | None:
        """Read a secret as a role; None if it has no such value, or the role may not read it.

        Args:
            reference: the secret's ARN, followed by `:key::` for one member of its JSON.
            role_arn: the role.
            context: condition keys and their values.
        """
        parts = reference.split(":")
        arn, member = ":".join(parts[:7]), parts[7] if len(parts) > 7 else ""  # noqa: PLR2004 - an ARN's seven parts
        documents = await self._role_policies(role_arn)
        if not iam.allows(documents, "secretsmanager:GetSecretValue", arn, context):
            return None
        try:
            response = await _in_thread(self._secrets.get_secret_value, SecretId=arn)
        except ClientError:
            return None
        value = str(response["SecretString"])
        if not member:
            return value
        try:
            document = json.loads(value)
        except ValueError:
            return None
        found = document.get(member) if isinstance(document, dict) else None
        return None if found is None else str(found)

    async def create_log_stream(self, group: str, stream: str) -> bool:
        """Create a log stream unless it exists, and return whether its group exists."""

        def create() -> bool:
            try:
                self._logs.create_log_stream(logGroupName=group, logStreamName=stream)
            except self._logs.exceptions.ResourceNotFoundException:
                return False
            except self._logs.exceptions.ResourceAlreadyExistsException:
                pass
            return True

        return await asyncio.to_thread(create)

    async def put_log_events(
        self,
        group: str,
        stream: str,
        events: Sequence[tuple[int, str]],
        *,
        creates_group: bool = True,
    ) -> None:
        """Write log events.

        Args:
            group: the log group.
            stream: the log stream.
            events: times in milliseconds and messages, oldest first.
            creates_group: whether the group and the stream are created if missing.
        """

        def put() -> None:
            entries = [{"timestamp": at, "message": message} for at, message in events]
            try:
                self._logs.put_log_events(
                    logGroupName=group, logStreamName=stream, logEvents=entries
                )
            except self._logs.exceptions.ResourceNotFoundException:
                if not creates_group:
                    raise
                existing = self._logs.exceptions.ResourceAlreadyExistsException
                with contextlib.suppress(existing):
                    self._logs.create_log_group(logGroupName=group)
                with contextlib.suppress(existing):
                    self._logs.create_log_stream(logGroupName=group, logStreamName=stream)
                self._logs.put_log_events(
                    logGroupName=group, logStreamName=stream, logEvents=entries
                )

        await asyncio.to_thread(put)

    async def subnets(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Describe subnets, in the order of their ids.

        Raises:
            LookupError: one doesn't exist; the message is EC2's.
        """
        found = await _in_thread(_described(self._ec2.describe_subnets), SubnetIds=list(ids))
        by_id: dict[str, dict[str, Any]] = {each["SubnetId"]: each for each in found["Subnets"]}
        return [by_id[each] for each in ids]

    async def route_tables(self, vpc_id: str) -> list[dict[str, Any]]:
        """Describe the route tables of a VPC."""
        in_vpc = [{"Name": "vpc-id", "Values": [vpc_id]}]
        found: dict[str, Any] = await _in_thread(self._ec2.describe_route_tables, Filters=in_vpc)
        return list(found["RouteTables"])

    async def require_security_groups(self, ids: Sequence[str]) -> None:
        """Require that security groups exist.

        Raises:
            LookupError: one doesn't exist; the message is EC2's.
        """
        await _in_thread(_described(self._ec2.describe_security_groups), GroupIds=list(ids))

    async def put_metrics(self, namespace: str, data: Sequence[Mapping[str, Any]]) -> None:
        """Write MetricDatum structures to a namespace."""
        await _in_thread(self._metrics.put_metric_data, Namespace=namespace, MetricData=data)

    async def invoke(self, function: str, payload: bytes) -> tuple[int, bool, bytes]:
        """Invoke a function, and wait for its end.

        Returns:
            The status of the operation, whether the function failed, and its result or the error.
        """

        def run() -> tuple[int, bool, bytes]:
            try:
                answer = self._functions.invoke(FunctionName=function, Payload=payload)
            except self._functions.exceptions.TooManyRequestsException as error:
                reason = json.dumps({"Reason": error.response.get("Reason")})
                return 429, False, reason.encode()
            return int(answer["StatusCode"]), "FunctionError" in answer, answer["Payload"].read()

        return await asyncio.to_thread(run)

    async def function_policy(self, function: str) -> str | None:
        """Return a function's resource policy, as JSON; None without one."""

        def read() -> str | None:
            try:
                return str(self._functions.get_policy(FunctionName=function)["Policy"])
            except self._functions.exceptions.ResourceNotFoundException:
                return None

        return await asyncio.to_thread(read)

    async def _role_policies(self, role_arn: str) -> list[iam.Document]:
        def read() -> list[iam.Document]:
            name = _role_name(role_arn)
            inline = self._iam.list_role_policies(RoleName=name)["PolicyNames"]
            attached = self._iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
            return [
                *(
                    self._iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                    for policy in inline
                ),
                *(self._managed_policy(policy["PolicyArn"]) for policy in attached),
            ]

        try:
            documents: Iterable[Any] = await asyncio.to_thread(read)
        except ClientError:
            return []
        return [_document(document) for document in documents]

    def _managed_policy(self, arn: str) -> Any:  # noqa: ANN401 - a document, as text or as JSON
        version = self._iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        return self._iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"][
            "Document"
        ]


async def _in_thread(call: Callable[..., _Result], **arguments: object) -> _Result:
    return await asyncio.to_thread(call, **arguments)


def _described(describe: Callable[..., _Result]) -> Callable[..., _Result]:
    """Return the operation with a LookupError, in EC2's words, for what doesn't exist."""

    def call(**arguments: object) -> _Result:
        try:
            return describe(**arguments)
        except ClientError as error:
            described = error.response["Error"]
            raise LookupError(f"{described['Message']} (ErrorCode: {described['Code']})") from error

    return call


def _role_name(role_arn: str) -> str:
    return role_arn.rpartition("/")[2]


def _document(value: str | Mapping[str, Any]) -> iam.Document:
    if isinstance(value, str):
        parsed: iam.Document = json.loads(unquote(value))
        return parsed
    return value
