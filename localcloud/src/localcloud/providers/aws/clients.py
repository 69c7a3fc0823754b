"""The aws provider's configuration, and calls of AWS with it."""

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
from botocore.response import StreamingBody

from localcloud.providers.aws.rules import parameter_errors
from localcloud.providers.schema import Kind, Properties, Property, ProviderError, unsupported
from localcloud.providers.values import Values, as_object, as_string

# pulumi_aws's names of the services' endpoints, by botocore's names.
ENDPOINTS: Final = {
    "application-autoscaling": "appautoscaling",
    "apprunner": "apprunner",
    "cloudfront": "cloudfront",
    "cloudwatch": "cloudwatch",
    "cognito-idp": "cognitoidp",
    "ec2": "ec2",
    "ecr": "ecr",
    "ecs": "ecs",
    "elbv2": "elbv2",
    "events": "events",
    "iam": "iam",
    "lambda": "lambda",
    "logs": "logs",
    "route53": "route53",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "sts": "sts",
    "wafv2": "wafv2",
}

# Parameters or response of an AWS operation, as botocore represents them.
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
    **unsupported(
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
# Invoke responds when the function has ended, after at most 15 minutes.
# Source: AWS Lambda, Quotas: function timeout.
_LAMBDA_CONFIG: Final = _CLIENT_CONFIG.merge(botocore.config.Config(read_timeout=920))
# Makes botocore ignore the AWS settings of the machine.
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
        """Create the error from AWS's code and message."""
        super().__init__(f"{operation}: {code}: {message}")
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Aws:
    """AWS as a provider's configuration describes it; safe to use from several threads.

    Attributes:
        region: the default region of resources.
        endpoints: base URLs by pulumi_aws's name of the service.
        access_key: the access key's id.
        secret_key: the secret access key.
        token: the session token; None if the key isn't temporary.
        default_tags: tags added to every resource.
        project_directory: the base of relative paths of archives.
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
            values: the configuration. Missing credentials are read from the environment
                (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN).
            project_directory: the base of relative paths of archives.

        Raises:
            ProviderError: there are no credentials.
        """
        endpoints: dict[str, str] = {}
        listed = values["endpoints"]
        for item in listed if isinstance(listed, list) else []:
            endpoints.update({name: as_string(url) for name, url in as_object(item).items()})
        access_key = values.get("accessKey") or os.environ.get("AWS_ACCESS_KEY_ID")
        secret_key = values.get("secretKey") or os.environ.get("AWS_SECRET_ACCESS_KEY")
        token = values.get("token") or os.environ.get("AWS_SESSION_TOKEN")
        if not access_key or not secret_key:
            raise ProviderError(
                "no AWS credentials: set them with `pulumi config set aws:accessKey …` and"
                " `pulumi config set --secret aws:secretKey …`, or AWS_ACCESS_KEY_ID and"
                " AWS_SECRET_ACCESS_KEY in the environment of the stand-in's providers"
            )
        tags = as_object(as_object(values.get("defaultTags")).get("tags"))
        return cls(
            region=as_string(values["region"]),
            endpoints=endpoints,
            access_key=as_string(access_key),
            secret_key=as_string(secret_key),
            token=as_string(token) if token else None,
            default_tags={name: as_string(value) for name, value in tags.items()},
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
            region: the region; None for the provider's.

        Returns:
            The response without its metadata; a stream as the bytes in it.

        Raises:
            AwsError: AWS returned an error.
            ProviderError: AWS didn't respond, or the service has no configured endpoint.
        """
        method = botocore.xform_name(operation)
        try:
            client = self.client(service, region or self.region)
            response = {
                name: value.read() if isinstance(value, StreamingBody) else value
                for name, value in getattr(client, method)(**parameters).items()
            }
        except exceptions.ClientError as error:
            details = error.response.get("Error", {})
            raise AwsError(
                operation, details.get("Code", "Unknown"), details.get("Message", "no message")
            ) from None
        except exceptions.ParamValidationError:
            # botocore's own message quotes values, which may be secret.
            shape = self.input_shape(service, operation)
            errors = "; ".join(parameter_errors(parameters, shape))
            raise ProviderError(
                f"{operation}: {errors or 'botocore rejected the parameters'}"
            ) from None
        except exceptions.BotoCoreError as error:
            raise ProviderError(f"{operation}: {error}") from None
        response.pop("ResponseMetadata", None)
        return response

    def input_shape(self, service: str, operation: str) -> StructureShape:
        """Return the shape of an operation's parameters in botocore's model."""
        shape = self._session.get_service_model(service).operation_model(operation).input_shape
        return shape or StructureShape(operation, {"type": "structure", "members": {}})

    def client(self, service: str, region: str) -> BaseClient:
        """Return the client of a service in a region, created on first use."""
        with self._lock:
            if (client := self._clients.get((service, region))) is None:
                client = self._session.create_client(
                    service,
                    region_name=region,
                    endpoint_url=self._endpoint(service),
                    aws_access_key_id=self.access_key,
                    aws_secret_access_key=self.secret_key,
                    aws_session_token=self.token,
                    config=_LAMBDA_CONFIG if service == "lambda" else _CLIENT_CONFIG,
                )
                self._clients[service, region] = client
            return client

    def _endpoint(self, service: str) -> str:
        name = ENDPOINTS[service]
        if (url := self.endpoints.get(name)) is None:
            raise ProviderError(
                f"aws:endpoints has no address for {name}, and the stand-in's provider never"
                " calls AWS itself: add it with"
                f" `pulumi config set --path 'aws:endpoints[0].{name}' http://localhost:…`"
            )
        return url
