"""ServerImage: the repository and the server's image in it."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker

from components.names import ResourceNames
from components.replacement import delete_before_replace
from components.settings import StackSettings
from server.context import BuildContext, prepare_context
from server.errors import ServerImageError

_PROJECT = Path(__file__).resolve().parent.parent
# App Runner runs nothing else.
_PLATFORM = "linux/amd64"
# It posts the context. BuildKit serves it over a session, which Docker's containerd image store
# answers with 403. Source: https://github.com/pulumi/pulumi-docker/issues/967
_BUILDER = docker.BuilderVersion.BUILDER_V1


def prepare_server_context(settings: StackSettings) -> BuildContext:
    """Fetch and verify what the image is built from, before anything is created.

    Args:
        settings: the stack's settings.

    Returns:
        The build context.

    Raises:
        pulumi.RunError: the binary can't be had, or is not what was pinned.
    """
    try:
        return prepare_context(
            settings.server_version,
            trusted_certificates=settings.trusted_certificates,
            build=_PROJECT / "server" / "build",
        )
    except ServerImageError as error:
        raise pulumi.RunError(f"the server's image can't be built: {error}") from error


def lifecycle_policy(retention: int) -> str:
    """Keep the newest images only.

    Args:
        retention: how many.

    Returns:
        The lifecycle policy, as JSON.
    """
    rule = {
        "rulePriority": 1,
        "description": f"Keep the newest {retention} images",
        "selection": {
            "tagStatus": "any",
            "countType": "imageCountMoreThan",
            "countNumber": retention,
        },
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [rule]})


def image_identity(*, repository: str, region: str | None, context_tag: str) -> str:
    """Return what is different for each image that has to be built and pushed.

    Args:
        repository: name of the repository.
        region: the repository's region.
        context_tag: the build context's tag, which stands for its content.
    """
    parts = (repository, region or "", context_tag, _PLATFORM, _BUILDER.value)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def image_tag(context_tag: str, began: dt.datetime) -> str:
    """Return a tag that no earlier push can have used.

    ECR refuses a tag that an immutable repository already has, even for the same digest. A tag
    made from the content alone would be such a tag whenever a stack goes back to an earlier image,
    has lost its state, or was interrupted between the push and the state's update.

    Args:
        context_tag: the build context's tag.
        began: when the deployment began.
    """
    return f"{context_tag}-{began.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"


@dataclass(frozen=True, kw_only=True)
class ServerImageArgs:
    """What a ServerImage needs.

    Attributes:
        settings: the stack's settings.
        names: the stack's names.
        tags: the stack's tags.
        context: what the image is built from.
        began: when the deployment began.
    """

    settings: StackSettings
    names: ResourceNames
    tags: Mapping[str, str]
    context: BuildContext
    began: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))


class ServerImage(pulumi.ComponentResource):
    """The server's image in a repository of its own (``neo4j-mcp:image:ServerImage``).

    It makes an ECR repository (scan on push, immutable tags, encrypted), its lifecycle policy and
    the image. An image is built and pushed when its content changes and at no other time; going
    back to earlier content pushes it again, under a new tag. With deletion protection on, the
    repository is protected, and can't be deleted while it holds images. Idle, it costs the storage
    of its images: 11 MB each.

    Attributes:
        repository_arn: ARN of the repository.
        reference: the image by digest, ``<repository>@sha256:…``; known once it has been pushed.
        digest: the digest alone.
    """

    repository_arn: pulumi.Output[str]
    reference: pulumi.Output[str]
    digest: pulumi.Output[str]

    def __init__(
        self, name: str, args: ServerImageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the repository and the image.

        Args:
            name: logical name.
            args: what it needs.
            opts: Pulumi's resource options.
        """
        super().__init__("neo4j-mcp:image:ServerImage", name, None, opts)
        protected = args.settings.deletion_protection
        repository = aws.ecr.Repository(
            f"{name}-repository",
            name=args.names.repository,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(
                scan_on_push=True
            ),
            encryption_configurations=[
                aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type="AES256")
            ],
            force_delete=not protected,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=protected),
        )
        aws.ecr.LifecyclePolicy(
            f"{name}-lifecycle",
            repository=repository.name,
            policy=lifecycle_policy(args.settings.image_retention),
            opts=pulumi.ResourceOptions(
                parent=self, delete_before_replace=delete_before_replace(aws.ecr.LifecyclePolicy)
            ),
        )
        login = aws.ecr.get_authorization_token_output(opts=pulumi.InvokeOutputOptions(parent=self))
        identity = image_identity(
            repository=args.names.repository,
            region=aws.config.region,
            context_tag=args.context.tag,
        )
        image = docker.Image(
            f"{name}-image-{identity}",
            image_name=pulumi.Output.concat(
                repository.repository_url, ":", image_tag(args.context.tag, args.began)
            ),
            build=docker.DockerBuildArgs(
                context=_relative(args.context.directory),
                dockerfile=_relative(args.context.dockerfile),
                platform=_PLATFORM,
                args=args.context.arguments,
                builder_version=_BUILDER,
            ),
            registry=docker.RegistryArgs(
                server=repository.repository_url,
                username=login.user_name,
                password=pulumi.Output.secret(login.password),
            ),
            # An image keeps the tag it was pushed under: what makes another image necessary
            # changes the logical name, and the time alone must not.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["imageName"]),
        )
        self.repository_arn = repository.arn
        self.reference = image.repo_digest
        self.digest = image.repo_digest.apply(lambda reference: reference.rpartition("@")[2])
        self.register_outputs(
            {
                "repositoryArn": self.repository_arn,
                "reference": self.reference,
                "digest": self.digest,
            }
        )


def _relative(path: Path) -> str:
    # To the project's folder, where the engine runs, so that moving the checkout changes nothing.
    return path.relative_to(_PROJECT).as_posix()
