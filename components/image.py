"""ServerImage: the repository and the server's image in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class ServerImageArgs:
    """What a ServerImage needs.

    Attributes:
        settings: the stack's settings.
        names: the stack's names.
        tags: the stack's tags.
        context: what the image is built from.
    """

    settings: StackSettings
    names: ResourceNames
    tags: Mapping[str, str]
    context: BuildContext


class ServerImage(pulumi.ComponentResource):
    """The server's image in a repository of its own (``neo4j-mcp:image:ServerImage``).

    It makes an ECR repository (scan on push, immutable tags, encrypted), its lifecycle policy and
    the image. The tag is made from the content, so an image is built and pushed when its content
    changes and at no other time. With deletion protection on, the repository is protected, and
    can't be deleted while it holds images. Idle, it costs the storage of its images: 11 MB each.

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
        image = docker.Image(
            f"{name}-image",
            image_name=pulumi.Output.concat(repository.repository_url, ":", args.context.tag),
            build=docker.DockerBuildArgs(
                context=_relative(args.context.directory),
                dockerfile=_relative(args.context.dockerfile),
                platform=_PLATFORM,
                args=args.context.arguments,
            ),
            registry=docker.RegistryArgs(
                server=repository.repository_url,
                username=login.user_name,
                password=pulumi.Output.secret(login.password),
            ),
            opts=pulumi.ResourceOptions(parent=self),
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
