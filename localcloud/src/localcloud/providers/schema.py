"""Declarations of resource types: their properties, and the operations of a provider on them."""

import contextlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Generic, TypeVar

from localcloud.providers.values import Value, Values

C = TypeVar("C")


class Kind(Enum):
    """The type of a property's value, named as in Pulumi's schema."""

    STRING = "string"
    JSON = "JSON document"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    LIST = "array"
    SET = "set"
    MAP = "map"
    OBJECT = "object"
    ASSET = "asset or archive"


@dataclass(frozen=True, kw_only=True)
class Property:
    """One property of a resource type.

    Attributes:
        kind: the type of its value.
        items: for LIST, SET and MAP: the type of the items.
        properties: for OBJECT: the properties of the object.
        required: the program must set it.
        force_new: it can't change in place; the resource is replaced.
        default: the value that Check fills in if the program sets none.
        computed: the provider sets it if the program doesn't; its absence is no change.
        empty_is_set: an empty value that the program sets is a value, although it is computed.
            Source: resources of the Terraform plug-in framework distinguish it from none.
        output: only the provider sets it.
        volatile: an output that any update may change, so a preview shows it as unknown.
        secret: its value is marked as secret.
        write_only: the provider never reads it back; the program's value stays in the state.
        aws: its name in AWS operations, with dots between the members of objects; None if it
            follows from the Pulumi name.
        aws_read: its name in AWS responses, if that differs.
        inert: a change of it alone is not a change of the resource.
        unsupported: the real provider has this input, this provider rejects it by name.
        unchecked: botocore's rule for it doesn't apply here or on AWS, for the reason given at the
            property; the endpoint decides.
    """

    kind: Kind = Kind.STRING
    items: "Property | None" = None
    properties: Mapping[str, "Property"] = field(default_factory=dict)
    required: bool = False
    force_new: bool = False
    default: Value = None
    computed: bool = False
    empty_is_set: bool = False
    output: bool = False
    volatile: bool = False
    secret: bool = False
    write_only: bool = False
    aws: str | None = None
    aws_read: str | None = None
    inert: bool = False
    unsupported: bool = False
    unchecked: bool = False


Properties = Mapping[str, Property]


def unsupported(*names: str) -> dict[str, Property]:
    """Declare properties of the real provider that this provider rejects by name."""
    return {name: Property(unsupported=True) for name in names}


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A problem with an input.

    Attributes:
        property: the path of the input, as Pulumi writes it.
        reason: what is wrong with it.
    """

    property: str
    reason: str


class ProviderError(Exception):
    """An operation failed; the engine shows the message as it is."""


class InitializationError(Exception):
    """A resource exists but doesn't work.

    The engine keeps it in the state, and the next deployment repairs it.

    Attributes:
        id: the resource's id.
        reasons: why it doesn't work, in the service's own words.
    """

    def __init__(self, resource_id: str, *reasons: str) -> None:
        """Create the error for a resource."""
        super().__init__("; ".join(reasons))
        self.id = resource_id
        self.reasons = reasons


@contextlib.contextmanager
def initializing(resource_id: str) -> Iterator[None]:
    """Do what follows a resource's creation, and keep the resource in the state if that fails.

    Raises:
        InitializationError: in place of a `ProviderError`.
    """
    try:
        yield
    except ProviderError as error:
        raise InitializationError(resource_id, str(error)) from error


@dataclass(frozen=True, kw_only=True)
class CheckRequest(Generic[C]):
    """Inputs to complete and validate.

    Attributes:
        context: the clients that the provider's configuration gave.
        inputs: the inputs; may contain unknowns.
    """

    context: C
    inputs: Values


@dataclass(frozen=True, kw_only=True)
class Request(Generic[C]):
    """An operation on a resource.

    Attributes:
        context: the clients that the provider's configuration gave.
        timeout: the resource's customTimeouts in seconds; None if the program sets none.
        cancelled: set when the engine asks to stop; ends every wait.
    """

    context: C
    timeout: float | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)

    def for_resource(self, resource_id: str, state: Values) -> "ResourceRequest[C]":
        """Make a request about an existing resource with the same context and limits."""
        return ResourceRequest(
            context=self.context,
            timeout=self.timeout,
            cancelled=self.cancelled,
            id=resource_id,
            state=state,
        )


@dataclass(frozen=True, kw_only=True)
class CreateRequest(Request[C]):
    """The creation of a resource.

    Attributes:
        inputs: the checked inputs.
    """

    inputs: Values


@dataclass(frozen=True, kw_only=True)
class ResourceRequest(Request[C]):
    """An operation on a resource that exists: a read or a deletion.

    Attributes:
        id: the resource's id.
        state: the last known state; empty for an import.
    """

    id: str
    state: Values


@dataclass(frozen=True, kw_only=True)
class UpdateRequest(ResourceRequest[C]):
    """A change of a resource in place, from its state to new inputs.

    Attributes:
        inputs: the new checked inputs.
    """

    inputs: Values


@dataclass(frozen=True, kw_only=True)
class Created:
    """The result of a creation.

    Attributes:
        id: the resource's id.
        outputs: outputs that a later read doesn't return.
    """

    id: str
    outputs: Mapping[str, Value] = field(default_factory=dict)


class ResourceType(ABC, Generic[C]):
    """A resource type: its declaration, and its operations on the service.

    Attributes:
        token: the type, as programs name it.
        properties: every property of the real provider's type.
        autonamed: the property that the real provider can generate a name for; None if there is
            none. If a replacement keeps its value, the real provider deletes first.
            Source: nameRequiresDeleteBeforeReplace in pulumi/pulumi-terraform-bridge; resources
            of the Terraform plug-in framework are never deleted first.
    """

    token: ClassVar[str]
    properties: ClassVar[Properties]
    autonamed: ClassVar[str | None] = None

    def check(self, request: CheckRequest[C]) -> tuple[Values, list[Failure]]:
        """Complete inputs, and validate what the declaration can't."""
        return request.inputs, []

    @abstractmethod
    def create(self, request: CreateRequest[C]) -> Created:
        """Create the resource.

        Raises:
            InitializationError: it was created but doesn't work.
            ProviderError: it couldn't be created.
        """

    @abstractmethod
    def read(self, request: ResourceRequest[C]) -> Values | None:
        """Return the resource as the service describes it; None if it no longer exists."""

    @abstractmethod
    def update(self, request: UpdateRequest[C]) -> Values | None:
        """Change the resource in place; return outputs that a later read doesn't, if any."""

    @abstractmethod
    def delete(self, request: ResourceRequest[C]) -> None:
        """Delete the resource; succeed if it no longer exists."""
