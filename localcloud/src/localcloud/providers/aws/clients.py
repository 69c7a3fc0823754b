"""The aws provider's configuration, and the clients made from it."""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import botocore.config
import botocore.session
from botocore import exceptions
from botocore.client import BaseClient
from botocore.model import StructureShape

from localcloud.providers.aws.rules import misfits
from localcloud.providers.schema import Kind, Properties, Property, ProviderError, refused
from localcloud.providers.values import Values, mapping, text

# pulumi_aws's names of the endpoints of the services in use, by botocore's names.
ENDPOINTS: Final = {
    "apprunner": "apprunner",
    "cognito-idp": "cognitoidp",
    "ecr": "ecr",
    "iam": "iam",
    "lambda": "lambda",
    "logs": "logs",
    "secretsmanager": "secretsmanager",
    "sts": "sts",
}

# Parameters and answers of AWS operations, as botocore takes and gives them.
Document = dict[str, Any]

_FLAG: Final = Property(kind=Kind.BOOLEAN)
_TAGS: Final = Property(kind=Kind.MAP, items=Property())

CONFIGURATION: Final[Properties] = {
    "region": Property(required=True),
    "endpoints": Property(
        kind=Kind.LIST, items=Property(kind=Kind.MAP, items=Property()), required=True
    ),
    "accessKey": Property(secret=True),
    "secretKey": Property(secret=True),
    "token": Property(secret=True),
    "defaultTags": Property(kind=Kind.OBJECT, properties={"tags": _TAGS}),
    # These switch off calls that this provider doesn't make.
    "skipCredentialsValidation": _FLAG,
    "skipMetadataApiCheck": _FLAG,
    "skipRegionValidation": _FLAG,
    "skipRequestingAccountId": _FLAG,
    # S3 is not in use.
    "s3UsePathStyle": _FLAG,
    **refused(
        "allowedAccountIds",
        "assumeRoleWithWebIdentity",
        "assumeRoles",
        "customCaBundle",
        "ec2MetadataServiceEndpoint",
        "ec2MetadataServiceEndpointMode",
        "forbiddenAccountIds",
        "httpProxy",
        "httpsProxy",
        "ignoreTags",
        "insecure",
        "maxRetries",
        "noProxy",
        "profile",
        "retryMode",
        "s3UsEast1RegionalEndpoint",
        "sharedConfigFiles",
        "sharedCredentialsFiles",
        "stsRegion",
        "tagPolicyCompliance",
        "tokenBucketRateLimiterCapacity",
        "useDualstackEndpoint",
        "useFipsEndpoint",
        "userAgents",
    ),
}

_CLIENT_CONFIG: Final = botocore.config.Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 3},
)
# The machine's own AWS settings: botocore's names, and that nothing is read for them.
_DETACHED: Final = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
    "ignore_configured_endpoint_urls": (None, None, True, None),
}


class AwsError(ProviderError):
    """An AWS operation that failed.

    Attributes:
        code: AWS's error code.
    """

    def __init__(self, operation: str, code: str, message: str) -> None:
        """Name the operation, AWS's code and AWS's message."""
        super().__init__(f"{operation}: {code}: {message}")
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Aws:
    """AWS as a provider's configuration describes it; safe to use from several threads.

    Attributes:
        region: the region of resources that name none.
        endpoints: base URLs by pulumi_aws's name of the service.
        access_key: the access key's id.
        secret_key: the secret access key.
        token: the session token; None where the key is no temporary one.
        default_tags: tags that every resource gets.
        project_directory: what relative paths of archives are relative to.
    """

    region: str
    endpoints: Mapping[str, str]
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    default_tags: Mapping[str, str] = field(default_factory=dict)
    project_directory: Path = field(default_factory=Path.cwd)
    _session: botocore.session.Session = field(
        default_factory=lambda: botocore.session.Session(session_vars=_DETACHED),
        repr=False,
        compare=False,
    )
    _clients: dict[tuple[str, str], BaseClient] = field(
        default_factory=dict, repr=False, compare=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @classmethod
    def configure(cls, values: Values, project_directory: Path) -> Self:
        """Read a provider's checked configuration.

        Args:
            values: the configuration; what it lacks of credentials the environment gives
                (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN).
            project_directory: what relative paths of archives are relative to.

        Returns:
            AWS as configured.

        Raises:
            ProviderError: there are no credentials.
        """
        endpoints: dict[str, str] = {}
        listed = values["endpoints"]
        for item in listed if isinstance(listed, list) else []:
            endpoints.update({name: text(url) for name, url in mapping(item).items()})
        access_key = values.get("accessKey") or os.environ.get("AWS_ACCESS_KEY_ID")
        secret_key = values.get("secretKey") or os.environ.get("AWS_SECRET_ACCESS_KEY")
        token = values.get("token") or os.environ.get("AWS_SESSION_TOKEN")
        if not access_key or not secret_key:
            raise ProviderError(
                "no AWS credentials: set them with `pulumi config set aws:accessKey …` and"
                " `pulumi config set --secret aws:secretKey …`, or AWS_ACCESS_KEY_ID and"
                " AWS_SECRET_ACCESS_KEY in the environment of the stand-in's providers"
            )
        tags = mapping(mapping(values.get("defaultTags")).get("tags"))
        return cls(
            region=text(values["region"]),
            endpoints=endpoints,
            access_key=text(access_key),
            secret_key=text(secret_key),
            token=text(token) if token else None,
            default_tags={name: text(value) for name, value in tags.items()},
            project_directory=project_directory,
        )

    def call(
        self, service: str, operation: str, parameters: Document, region: str | None = None
    ) -> Document:
        """Call an AWS operation.

        Args:
            service: botocore's name of the service.
            operation: the operation, as AWS names it (CreateUserPool).
            parameters: its parameters.
            region: the region; the provider's where None.

        Returns:
            AWS's answer, without the response's metadata.

        Raises:
            AwsError: AWS refused it.
            ProviderError: AWS didn't answer, or no address is configured for the service.
        """
        client = self._client(service, region or self.region)
        method = botocore.xform_name(operation)
        try:
            answer: Document = getattr(client, method)(**parameters)
        except exceptions.ClientError as error:
            answered = error.response.get("Error", {})
            raise AwsError(
                operation, answered.get("Code", "Unknown"), answered.get("Message", "no message")
            ) from None
        except exceptions.ParamValidationError:
            # botocore's own report quotes values, which may be secret.
            broken = "; ".join(misfits(parameters, self.input_shape(service, operation)))
            raise ProviderError(
                f"{operation}: {broken or 'botocore refuses the parameters'}"
            ) from None
        except exceptions.BotoCoreError as error:
            raise ProviderError(f"{operation}: {error}") from None
        answer.pop("ResponseMetadata", None)
        return answer

    def input_shape(self, service: str, operation: str) -> StructureShape:
        """Look up in botocore's service model what an operation takes."""
        shape = self._session.get_service_model(service).operation_model(operation).input_shape
        return shape or StructureShape(operation, {"type": "structure", "members": {}})

    def _client(self, service: str, region: str) -> BaseClient:
        with self._lock:
            if (client := self._clients.get((service, region))) is None:
                client = self._session.create_client(
                    service,
                    region_name=region,
                    endpoint_url=self._endpoint(service),
                    aws_access_key_id=self.access_key,
                    aws_secret_access_key=self.secret_key,
                    aws_session_token=self.token,
                    config=_CLIENT_CONFIG,
                )
                self._clients[service, region] = client
            return client

    def _endpoint(self, service: str) -> str:
        name = ENDPOINTS[service]
        if (url := self.endpoints.get(name)) is None:
            raise ProviderError(
                f"aws:endpoints names no address for {name}, and the stand-in's provider never"
                " goes to AWS itself: add it with"
                f" `pulumi config set --path 'aws:endpoints[0].{name}' http://localhost:…`"
            )
        return url
