"""ServerImage: the ECR repository, and the server's image in it."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker

from components.context import StackContext
from components.image_retention import lifecycle_policy
from components.settings import StackSettings
from server.context import BuildContext, prepare_context
from server.errors import ServerImageError

_PROJECT = Path(__file__).resolve().parent.parent

# App Runner runs nothing else.
_PLATFORM = "linux/amd64"
# It posts the context. BuildKit serves it over a session, which Docker's containerd image store
# answers with 403. Source: https://github.com/pulumi/pulumi-docker/issues/967
_BUILDER = docker.BuilderVersion.BUILDER_V1


def prepare_server_build(settings: StackSettings) -> BuildContext:
    """Fetch and verify what the image is built from, before anything is deployed.

    Raises:
        pulumi.RunError: the binary can't be fetched, or a checksum differs from the pinned one.
    """
    try:
        return prepare_context(
            settings.server_version,
            trusted_certificates=settings.trusted_certificates,
            build=_PROJECT / "server" / "build",
        )
    except ServerImageError as error:
        raise pulumi.RunError(f"the server's image can't be built: {error}") from error


def image_identity(*, repository: str, region: str | None, build_tag: str) -> str:
    """Return a short hash that differs for each image that has to be built and pushed.

    Args:
        build_tag: the build context's tag, which stands for its content.
    """
    parts = (repository, region or "", build_tag, _PLATFORM, _BUILDER.value)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def image_tag(build_tag: str, started: dt.datetime) -> str:
    """Return a tag that no earlier push can have used.

    ECR refuses a tag that an immutable repository already has, even for the same digest. A tag
    made from the content alone would be refused whenever a stack returns to an earlier image, has
    lost its state, or was interrupted between the push and the update of the state.

    Args:
        build_tag: the build context's tag.
        started: when the deployment started.
    """
    return f"{build_tag}-{started.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"


@dataclass(frozen=True, kw_only=True)
class ServerImageArgs:
    """What a ServerImage needs.

    Attributes:
        context: what the stack's components share.
        build: what the image is built from.
        retention: how many images the repository keeps.
        started: when the deployment started; now by default.
    """

    context: StackContext
    build: BuildContext
    retention: int
    started: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))


class ServerImage(pulumi.ComponentResource):
    """The server's image in its own repository (``neo4j-mcp:image:ServerImage``).

    Creates an ECR repository (scan on push, immutable tags, encrypted), its lifecycle policy and
    the image. An image is built and pushed only when its content changes; returning to earlier
    content pushes it again under a new tag. Deletion protection covers the repository, which then
    can't be deleted while it contains images.

    Idle cost: the storage of its images, 11 MB each.

    Attributes:
        repository_arn: ARN of the repository.
        reference: the image by digest, ``<repository>@sha256:…``; known after the push.
        digest: the digest alone.
    """

    repository_arn: pulumi.Output[str]
    reference: pulumi.Output[str]
    digest: pulumi.Output[str]

    def __init__(
        self, name: str, args: ServerImageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the repository and the image."""
        super().__init__("neo4j-mcp:image:ServerImage", name, None, opts)
        repository = self._repository(args.context, args.retention)
        image = self._image(args, repository)
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

    def _repository(self, context: StackContext, retention: int) -> aws.ecr.Repository:
        repository = aws.ecr.Repository(
            f"{self.pulumi_resource_name}-repository",
            name=context.names.repository,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(
                scan_on_push=True
            ),
            encryption_configurations=[
                aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type="AES256")
            ],
            force_delete=not context.protection.deletion,
            tags=context.tags,
            opts=context.options(aws.ecr.Repository, parent=self),
        )
        aws.ecr.LifecyclePolicy(
            f"{self.pulumi_resource_name}-lifecycle",
            repository=repository.name,
            policy=lifecycle_policy(retention),
            opts=context.options(aws.ecr.LifecyclePolicy, parent=self),
        )
        return repository

    def _image(self, args: ServerImageArgs, repository: aws.ecr.Repository) -> docker.Image:
        build = args.build
        login = aws.ecr.get_authorization_token_output(opts=pulumi.InvokeOutputOptions(parent=self))
        identity = image_identity(
            repository=args.context.names.repository,
            region=aws.config.region,
            build_tag=build.tag,
        )
        return docker.Image(
            f"{self.pulumi_resource_name}-image-{identity}",
            image_name=pulumi.Output.concat(
                repository.repository_url, ":", image_tag(build.tag, args.started)
            ),
            build=docker.DockerBuildArgs(
                context=_relative(build.directory),
                dockerfile=_relative(build.dockerfile),
                platform=_PLATFORM,
                args=build.arguments,
                builder_version=_BUILDER,
            ),
            registry=docker.RegistryArgs(
                server=repository.repository_url,
                username=login.user_name,
                password=pulumi.Output.secret(login.password),
            ),
            # An image keeps the tag of its push. Another image has another logical name; the time
            # alone must not rebuild it.
            opts=args.context.options(docker.Image, parent=self, ignore_changes=["imageName"]),
        )


def _relative(path: Path) -> str:
    # Relative to the project's folder, where the engine runs, so that a checkout can be moved.
    return path.relative_to(_PROJECT).as_posix()
