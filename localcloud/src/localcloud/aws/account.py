"""The rest of the account as App Runner uses it: roles, images, secrets, logs and metrics.

It asks the endpoint itself, through boto3, as App Runner on AWS asks the other services. The calls
block, so they run in the event loop's executor.
"""

import asyncio
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
from localcloud.aws import iam

_PULL_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)
_READ_TIMEOUT = 20
_Result = TypeVar("_Result")


class Account:
    """The account's other services."""

    def __init__(self, *, endpoint: str, region: str, account_id: str, key: AccessKey) -> None:
        """Create the clients; nothing is requested yet.

        Args:
            endpoint: the AWS endpoint's URL.
            region: the region.
            account_id: the account.
            key: the key that signs the requests.
        """
        self.account_id = account_id
        self.region = region
        # A person's own AWS profile and files must neither matter nor be read.
        nowhere = (None, None, os.devnull, None)
        session = boto3.session.Session(
            aws_access_key_id=key.key_id,
            aws_secret_access_key=key.secret,
            region_name=region,
            botocore_session=botocore.session.Session(
                session_vars={
                    "profile": (None, None, None, None),
                    "config_file": nowhere,
                    "credentials_file": nowhere,
                }
            ),
        )
        config = botocore.config.Config(
            connect_timeout=5,
            read_timeout=_READ_TIMEOUT,
            retries={"total_max_attempts": 2},
            # The endpoint is on this machine, where a person's proxy leads nowhere.
            proxies={},
        )

        def client(service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
            return session.client(service, endpoint_url=endpoint, config=config)  # type: ignore[call-overload] # the name is no literal

        self._iam = client("iam")
        self._ecr = client("ecr")
        self._secrets = client("secretsmanager")
        self._logs = client("logs")
        self._metrics = client("cloudwatch")

    async def trusts(self, role_arn: str, service: str, context: Mapping[str, str]) -> bool:
        """Tell whether a service may assume a role.

        Args:
            role_arn: the role.
            service: the service principal.
            context: condition keys and their values.

        Returns:
            True where the role exists and trusts the service.
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
        """Find what a role lacks to pull an image.

        Args:
            role_arn: the role.
            repository: the repository's name.
            context: condition keys and their values.

        Returns:
            The actions it is not allowed; empty where it may pull.
        """
        documents = await self._policies(role_arn)
        arn = f"arn:aws:ecr:{self.region}:{self.account_id}:repository/{repository}"
        wanted = [("ecr:GetAuthorizationToken", "*"), *((action, arn) for action in _PULL_ACTIONS)]
        return [
            action
            for action, resource in wanted
            if not iam.allows(documents, action, resource, context)
        ]

    async def image_digest(self, repository: str, reference: str) -> str | None:
        """Find an image in ECR.

        Args:
            repository: the repository's name.
            reference: a tag or a digest.

        Returns:
            The image's digest; None where there is no such image or repository.
        """
        key = "imageDigest" if reference.startswith("sha256:") else "imageTag"
        try:
            answer = await _in_thread(
                self._ecr.batch_get_image, repositoryName=repository, imageIds=[{key: reference}]
            )
        except ClientError:
            return None
        images = answer["images"]
        return str(images[0]["imageId"]["imageDigest"]) if images else None

    async def secret(self, reference: str, role_arn: str, context: Mapping[str, str]) -> str | None:
        """Read a secret as a role.

        Args:
            reference: the secret's ARN, with `:key::` behind it for one member of its JSON.
            role_arn: the role that reads it.
            context: condition keys and their values.

        Returns:
            The value; None where it does not exist or the role may not read it.
        """
        parts = reference.split(":")
        arn, member = ":".join(parts[:7]), parts[7] if len(parts) > 7 else ""  # noqa: PLR2004 - an ARN's seven parts
        documents = await self._policies(role_arn)
        if not iam.allows(documents, "secretsmanager:GetSecretValue", arn, context):
            return None
        try:
            answer = await _in_thread(self._secrets.get_secret_value, SecretId=arn)
        except ClientError:
            return None
        value = str(answer["SecretString"])
        if not member:
            return value
        found = json.loads(value).get(member)
        return None if found is None else str(found)

    async def put_log_events(
        self, group: str, stream: str, events: Sequence[tuple[int, str]]
    ) -> None:
        """Write log events, and make their group and stream where they are missing.

        Args:
            group: the log group.
            stream: the log stream.
            events: times in milliseconds and messages, oldest first.
        """

        def put() -> None:
            entries = [{"timestamp": at, "message": message} for at, message in events]
            try:
                self._logs.put_log_events(
                    logGroupName=group, logStreamName=stream, logEvents=entries
                )
            except self._logs.exceptions.ResourceNotFoundException:
                existing = self._logs.exceptions.ResourceAlreadyExistsException
                _unless(existing, lambda: self._logs.create_log_group(logGroupName=group))
                _unless(
                    existing,
                    lambda: self._logs.create_log_stream(logGroupName=group, logStreamName=stream),
                )
                self._logs.put_log_events(
                    logGroupName=group, logStreamName=stream, logEvents=entries
                )

        await asyncio.to_thread(put)

    async def put_metrics(self, namespace: str, data: Sequence[Mapping[str, Any]]) -> None:
        """Write metrics.

        Args:
            namespace: their namespace.
            data: MetricDatum structures.
        """
        await _in_thread(self._metrics.put_metric_data, Namespace=namespace, MetricData=data)

    async def _policies(self, role_arn: str) -> list[iam.Document]:
        def read() -> list[iam.Document]:
            name = _role_name(role_arn)
            inline = self._iam.list_role_policies(RoleName=name)["PolicyNames"]
            attached = self._iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
            return [
                *(
                    self._iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                    for policy in inline
                ),
                *(self._managed(policy["PolicyArn"]) for policy in attached),
            ]

        try:
            documents: Iterable[Any] = await asyncio.to_thread(read)
        except ClientError:
            return []
        return [_document(document) for document in documents]

    def _managed(self, arn: str) -> Any:  # noqa: ANN401 - a document, as text or as JSON
        version = self._iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        return self._iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"][
            "Document"
        ]


async def _in_thread(call: Callable[..., _Result], **arguments: object) -> _Result:
    return await asyncio.to_thread(call, **arguments)


def _unless(ignored: type[Exception], call: Callable[[], object]) -> None:
    try:
        call()
    except ignored:
        return


def _role_name(role_arn: str) -> str:
    return role_arn.rpartition("/")[2]


def _document(value: str | Mapping[str, Any]) -> iam.Document:
    if isinstance(value, str):
        parsed: iam.Document = json.loads(unquote(value))
        return parsed
    return value
