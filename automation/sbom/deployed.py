"""Finds what a stack runs, so that nothing else is described as deployed. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from automation.function_code import Pack
from automation.sbom.errors import SbomError
from automation.sbom.functions import Function
from components.function_code import code_sha256

_IMAGE: Final = "docker:index/image:Image"
_FUNCTION: Final = "aws:lambda/function:Function"
_REMEDY: Final = (
    "Check out the revision that was deployed, or deploy this one:"
    " python -m automation deploy --stack"
)


@dataclass(frozen=True, kw_only=True)
class Image:
    """A deployed image.

    Attributes:
        repository: its URL.
        tag: begins with that of the build context.
        digest: begins with ``sha256:``.
    """

    repository: str
    tag: str
    digest: str


def find_image(
    state: Mapping[str, Any], digest: str | None, *, stack: str, build_tag: str
) -> Image:
    """Return a stack's image, if it was built from the given context.

    Args:
        state: the stack's state.
        digest: the output imageDigest; None if there is none.
        build_tag: the tag of the context that the checkout makes for the stack.

    Raises:
        SbomError: it was built from another context, or the state doesn't have it.
    """
    if digest is None:
        raise _not_deployed(stack, "image")
    for resource in _resources(state, _IMAGE):
        outputs = resource.get("outputs") or {}
        repository, _, tag = str(outputs.get("imageName")).rpartition(":")
        if str(outputs.get("repoDigest")).rpartition("@")[2] == digest:
            if not tag.startswith(f"{build_tag}-"):
                raise _differs(stack, f"the image {tag}", build_tag)
            return Image(repository=repository, tag=tag, digest=digest)
    raise _not_deployed(stack, f"image with the digest {digest} of its outputs")


def require_package(found: object, packed: bytes, *, stack: str, name: str) -> None:
    """Refuse to describe a package that isn't the one that a function runs.

    Args:
        found: what the stack says is the hash of the function's package, as Lambda reports it;
            None if it has no such function.
        packed: what the checkout would deploy.

    Raises:
        SbomError: they differ.
    """
    if found is None:
        raise _not_deployed(stack, f"function {name}")
    if found != code_sha256(packed):
        raise _differs(stack, f"the function {name} with the package {found}", code_sha256(packed))


def find_functions(
    state: Mapping[str, Any], packages: Mapping[str, Pack], *, stack: str
) -> Iterator[Function]:
    """Yield a stack's functions, if they run this checkout's code.

    Args:
        state: the stack's state.
        packages: what packs each function that a stack can have, by its name.

    Raises:
        SbomError: a function runs other code.
    """
    for resource in _resources(state, _FUNCTION):
        outputs = resource.get("outputs") or {}
        name = str(outputs.get("name"))
        if name in packages:
            packed = packages[name]()
            require_package(outputs.get("codeSha256"), packed, stack=stack, name=name)
            yield Function(name=name, package=packed)


def _resources(state: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, Any]]:
    for resource in state.get("resources") or []:
        if resource["type"] == kind and not resource.get("delete"):
            yield resource


def _not_deployed(stack: str, what: str) -> SbomError:
    return SbomError(
        f"The stack {stack} has no {what}, which its configuration asks for. Run:"
        f" python -m automation deploy --stack {stack}"
    )


def _differs(stack: str, found: str, here: str) -> SbomError:
    return SbomError(
        f"The stack {stack} has {found}, but this checkout would deploy {here}, so an SBOM of this"
        f" checkout would describe something else. {_REMEDY} {stack}"
    )
