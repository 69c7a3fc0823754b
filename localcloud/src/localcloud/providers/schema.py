"""What a resource type is declared to be: its properties and what can be done with it."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Generic, TypeVar

from localcloud.providers.values import Value, Values

C = TypeVar("C")


class Kind(Enum):
    """The type of a property's value, named as Pulumi's schema names it."""

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
        items: for LIST, SET and MAP: what its items are.
        properties: for OBJECT: what its properties are.
        required: a program must give it.
        force_new: a change can't be made in place; the resource is replaced.
        default: what Check fills in where the program gives nothing.
        computed: the provider fills it where the program gives nothing; absence is no change.
        output: the provider gives it; a program can't.
        volatile: an output that any update may change, so that its preview is unknown.
        secret: its value is marked as secret.
        write_only: the provider takes it but never reads it back: what the program said stands.
        aws: its name in the AWS operations, dots leading into objects; None where it follows
            from the Pulumi name.
        aws_read: its name in what AWS answers, where that is another one.
        inert: a change of it alone is none of the resource.
        unsupported: the real provider has it, this one refuses it by name as an input.
        unchecked: botocore's rule for it is not the one that counts, here or on AWS; the property
            says why, and the endpoint decides.
    """

    kind: Kind = Kind.STRING
    items: "Property | None" = None
    properties: Mapping[str, "Property"] = field(default_factory=dict)
    required: bool = False
    force_new: bool = False
    default: Value = None
    computed: bool = False
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


def refused(*names: str) -> dict[str, Property]:
    """Declare properties that the real provider has and this one refuses by name."""
    return {name: Property(unsupported=True) for name in names}


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a property is refused.

    Attributes:
        property: its path, as Pulumi writes it.
        reason: what is wrong with it.
    """

    property: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Created:
    """What a creation gave.

    Attributes:
        id: the resource's id.
        outputs: outputs that a later read doesn't give.
    """

    id: str
    outputs: Mapping[str, Value] = field(default_factory=dict)


class InitializationError(Exception):
    """A resource that exists but doesn't work: the engine keeps it, the next deployment repairs it.

    Attributes:
        id: the resource's id.
        reasons: why it doesn't work, in the service's own words.
    """

    def __init__(self, resource_id: str, *reasons: str) -> None:
        """Name the resource and the reasons."""
        super().__init__("; ".join(reasons))
        self.id = resource_id
        self.reasons = reasons


class ProviderError(Exception):
    """An operation that failed, told to the person at the keyboard as it is."""


@dataclass(frozen=True, kw_only=True)
class Request(Generic[C]):
    """What an operation works with.

    Attributes:
        context: what the provider's configuration gave: clients.
        timeout: the resource's customTimeouts in seconds; None where the program gives none.
        cancelled: set when the engine asks to stop; ends every wait.
    """

    context: C
    timeout: float | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)


class ResourceType(ABC, Generic[C]):
    """A resource type: its declaration, and its operations against the service.

    Attributes:
        token: the type, as programs name it.
        properties: every property of the real provider's type.
        autonamed: the property that the real provider can name by itself; None where there is
            none. Where a replacement leaves it as it is, the real provider deletes first.
            Source: nameRequiresDeleteBeforeReplace in pulumi/pulumi-terraform-bridge; resources
            of the Terraform plug-in framework are never deleted first.
    """

    token: ClassVar[str]
    properties: ClassVar[Properties]
    autonamed: ClassVar[str | None] = None

    def check(self, context: C, inputs: Values) -> tuple[Values, list[Failure]]:
        """Complete and validate inputs beyond the declaration; they may hold unknowns."""
        del context
        return inputs, []

    @abstractmethod
    def create(self, request: Request[C], inputs: Values) -> Created:
        """Make the resource.

        Raises:
            InitializationError: it was made but doesn't work.
            ProviderError: it could not be made.
        """

    @abstractmethod
    def read(self, request: Request[C], resource_id: str, state: Values) -> Values | None:
        """Ask the service what the resource is; None where it is gone.

        `state` is what was known of it: empty for an import.
        """

    @abstractmethod
    def update(
        self, request: Request[C], resource_id: str, olds: Values, news: Values
    ) -> Values | None:
        """Change the resource in place, from a state to new inputs.

        Returns outputs that a later read doesn't give, where there are any.
        """

    @abstractmethod
    def delete(self, request: Request[C], resource_id: str, state: Values) -> None:
        """Delete the resource; succeed where it is gone already."""
