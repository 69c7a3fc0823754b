"""The base class of AWS resource types: a declaration, and operations that follow from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from localcloud.providers.aws.clients import Aws, AwsError, Document
from localcloud.providers.aws.shapes import Casing, from_aws, to_aws, violations
from localcloud.providers.schema import (
    CheckRequest,
    Created,
    CreateRequest,
    Failure,
    Kind,
    Property,
    ResourceRequest,
    ResourceType,
    UpdateRequest,
)
from localcloud.providers.values import Values, as_object, as_string, without_empty

ARN: Final = Property(output=True, aws="Arn")
REGION: Final = Property(computed=True, force_new=True)
TAGS: Final = Property(kind=Kind.MAP, items=Property())
TAGS_ALL: Final = Property(kind=Kind.MAP, items=Property(), output=True, volatile=True)
TAGGED: Final[Mapping[str, Property]] = {"tags": TAGS, "tagsAll": TAGS_ALL}

# The base class handles these inputs; no operation takes them under these names.
HANDLED: Final = frozenset({"region", "tags"})

# Every request but a check, which calls no operation.
AwsRequest = CreateRequest[Aws] | ResourceRequest[Aws]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation of a service.

    Attributes:
        name: as AWS names it.
        result: the member of the response that describes the resource; None if it is the whole
            response.
    """

    name: str
    result: str | None = None


@dataclass(frozen=True, kw_only=True)
class Tagging:
    """The way a service stores the tags of a resource.

    Attributes:
        resource: the member that names the resource.
        property: the property that holds the value of that member.
        tags: the member that holds the tags.
        keys: the member that holds the keys to remove.
        pairs: the names of key and value if tags are a list of pairs; None if they are a map.
        created_as: the member of the create operation that holds the tags.
        tag: the operation that sets tags.
        untag: the operation that removes tags.
        list: the operation that lists them; None if the read operation returns them.
        listed_as: the member of the response that holds the tags, with dots between the members
            of objects.
        within: the member of tags and of keys in requests that holds the list of them; None if
            they are the list themselves.
        several: whether the operations take a list of resources.
        specified_for: EC2's name of the type of resource, if a creation takes the tags as a
            specification of tags; keys are pairs without values then.
    """

    resource: str
    property: str = "arn"
    tags: str = "Tags"
    keys: str = "TagKeys"
    pairs: tuple[str, str] | None = ("Key", "Value")
    created_as: str = "Tags"
    tag: str = "TagResource"
    untag: str = "UntagResource"
    list: str | None = "ListTagsForResource"
    listed_as: str = "Tags"
    within: str | None = None
    several: bool = False
    specified_for: str | None = None

    def of(self, state: Values) -> Document:
        """Return the member that names a resource, with its value."""
        value = as_string(state[self.property])
        return {self.resource: [value] if self.several else value}

    def created(self, tags: Values) -> Document:
        """Return the parameter of the create operation."""
        converted = self.to_aws(tags)
        if self.specified_for is not None:
            converted = [{"ResourceType": self.specified_for, "Tags": converted}]
        return {self.created_as: converted}

    def removed(self, keys: Sequence[str]) -> Document:
        """Return the parameter of the operation that removes tags."""
        if self.specified_for is not None:
            return {self.keys: [{"Key": key} for key in keys]}
        return {self.keys: self.wrapped(keys)}

    def to_aws(self, tags: Values) -> object:
        """Convert tags to the parameter of the service's operations."""
        if self.pairs is None:
            return dict(tags)
        key, value = self.pairs
        return self.wrapped([{key: name, value: content} for name, content in tags.items()])

    def wrapped(self, items: Sequence[object]) -> object:
        """Return a list of tags or keys as the service's operations take it."""
        return items if self.within is None else {self.within: items}

    def from_aws(self, response: Document) -> Values:
        """Return the tags in a response, without those that AWS itself sets."""
        found: Any = response
        for member in self.listed_as.split("."):
            # A list has one item for each resource that was asked for, which is one.
            found = found[0] if isinstance(found, list) and found else found
            found = found.get(member) or {} if isinstance(found, dict) else {}
        if self.pairs is not None:
            key, value = self.pairs
            found = {pair[key]: pair[value] for pair in found}
        return {name: str(value) for name, value in found.items() if not name.startswith("aws:")}


class AwsResource(ResourceType[Aws]):
    """A resource type whose operations follow from botocore's model of the service.

    Attributes:
        service: botocore's name of the service.
        creates: the operation that creates the resource.
        reads: the operation that describes it.
        updates: the operation that changes it; None if a subclass uses several, or nothing can
            change.
        deletes: the operation that deletes it.
        id_members: the members that make up the id: of the create operation's parameters and
            response, and of the other operations' parameters.
        id_separator: the character between them.
        not_found_codes: the error codes of a resource that doesn't exist.
        tagging: the way the service stores its tags; None if it has none.
        casing: the way the service spells members.
        handled: inputs that the create operation doesn't take under their name.
    """

    service: ClassVar[str]
    creates: ClassVar[Operation]
    reads: ClassVar[Operation]
    updates: ClassVar[Operation | None] = None
    deletes: ClassVar[Operation]
    id_members: ClassVar[tuple[str, ...]]
    id_separator: ClassVar[str] = "|"
    not_found_codes: ClassVar[frozenset[str]] = frozenset({"ResourceNotFoundException"})
    tagging: ClassVar[Tagging | None] = None
    casing: ClassVar[Casing] = Casing.PASCAL
    handled: ClassVar[frozenset[str]] = frozenset()

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Return the members that name the resource; each operation takes those in its shape."""
        parts = request.id.split(self.id_separator, len(self.id_members) - 1)
        missing = [""] * (len(self.id_members) - len(parts))
        return dict(zip(self.id_members, parts + missing, strict=True))

    def created_id(self, created: Document) -> str:
        """Return the id of a new resource.

        Args:
            created: the parameters of the create operation and its response, merged.
        """
        return self.id_separator.join(as_string(created[member]) for member in self.id_members)

    def check(self, request: CheckRequest[Aws]) -> tuple[Values, list[Failure]]:
        """Add the provider's default tags, and check the inputs against botocore's shapes."""
        completed = dict(request.inputs)
        tags = completed.get("tags", {})
        defaults = request.context.default_tags
        if self.tagging and defaults and isinstance(tags, dict):
            completed["tags"] = {**defaults, **tags}
        shape = request.context.input_shape(self.service, self.creates.name)
        return completed, list(violations(self.properties, completed, shape, self.casing))

    def create(self, request: CreateRequest[Aws]) -> Created:
        """Call the create operation."""
        parameters = self.create_parameters(request)
        response = self.call(request, self.creates, parameters)
        return Created(id=self.created_id(parameters | response))

    def create_parameters(self, request: CreateRequest[Aws]) -> Document:
        """Return the parameters of the create operation."""
        return self._parameters(request, self.creates, request.inputs) | self._tag_parameters(
            request, self.creates, request.inputs
        )

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Call the read operation, and list the tags."""
        try:
            response = self.call(request, self.reads, self._identity(request, self.reads))
            found = self.described(response)
            found["region"] = request.state.get("region") or request.context.region
            if self.tagging:
                found["tags"] = found["tagsAll"] = self._tags(request, found, response)
        except AwsError as error:
            if error.code in self.not_found_codes:
                return None
            raise
        return found

    def described(self, response: Document) -> Values:
        """Convert the response of the read operation to Pulumi values."""
        return from_aws(self.properties, response, self.casing)

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Call the update operation, and change the tags."""
        if self.updates is not None and self.is_changed(request):
            inputs = self._computed(request.state) | request.inputs
            parameters = self._parameters(request, self.updates, inputs)
            parameters |= self._tag_parameters(request, self.updates, request.inputs)
            parameters |= self._identity(request, self.updates)
            self.call(request, self.updates, parameters)
        self.update_tags(request)

    def delete(self, request: ResourceRequest[Aws]) -> None:
        """Call the delete operation; succeed if the resource no longer exists."""
        try:
            self.call(request, self.deletes, self.delete_parameters(request))
        except AwsError as error:
            if error.code not in self.not_found_codes:
                raise

    def delete_parameters(self, request: ResourceRequest[Aws]) -> Document:
        """Return the parameters of the delete operation."""
        return self._identity(request, self.deletes)

    def call(self, request: AwsRequest, operation: Operation, parameters: Document) -> Document:
        """Call an operation in the resource's region, and return its result."""
        known = request.state if isinstance(request, ResourceRequest) else request.inputs
        region = known.get("region")
        response = request.context.call(
            self.service, operation.name, parameters, region if isinstance(region, str) else None
        )
        result = response if operation.result is None else response.get(operation.result)
        if isinstance(result, list):
            result = result[0] if result else None
        if result is None:
            raise AwsError(
                operation.name, next(iter(self.not_found_codes)), "there is no such resource"
            )
        described: Document = result
        return described

    def update_tags(self, request: UpdateRequest[Aws]) -> None:
        """Set and remove tags until they match the inputs."""
        if (tagging := self.tagging) is None:
            return
        old, new = as_object(request.state.get("tags")), as_object(request.inputs.get("tags"))
        resource = tagging.of(request.state)
        if removed := sorted(old.keys() - new.keys()):
            self.call(request, Operation(name=tagging.untag), resource | tagging.removed(removed))
        if changed := {name: new[name] for name in new if old.get(name) != new[name]}:
            operation = Operation(name=tagging.tag)
            self.call(request, operation, {**resource, tagging.tags: tagging.to_aws(changed)})

    def is_changed(self, request: UpdateRequest[Aws]) -> bool:
        """Return whether anything but the tags changes."""
        settable = {
            name
            for name, declared in self.properties.items()
            if not (declared.output or declared.computed)
        }
        names = (settable | request.inputs.keys()) - {"tags"}
        return any(request.state.get(name) != request.inputs.get(name) for name in names)

    def _parameters(self, request: AwsRequest, operation: Operation, inputs: Values) -> Document:
        shape = request.context.input_shape(self.service, operation.name)
        return to_aws(self.properties, inputs, shape, self.casing)

    def _identity(self, request: ResourceRequest[Aws], operation: Operation) -> Document:
        shape = request.context.input_shape(self.service, operation.name)
        return {
            name: value for name, value in self.identity(request).items() if name in shape.members
        }

    def _tag_parameters(
        self, request: AwsRequest, operation: Operation, inputs: Values
    ) -> Document:
        tags = as_object(inputs.get("tags"))
        shape = request.context.input_shape(self.service, operation.name)
        if self.tagging and tags and self.tagging.created_as in shape.members:
            return self.tagging.created(tags)
        return {}

    def _tags(self, request: ResourceRequest[Aws], found: Values, response: Document) -> Values:
        tagging = self.tagging
        if tagging is None or tagging.list is None:
            return tagging.from_aws(response) if tagging else {}
        listed = self.call(request, Operation(name=tagging.list), tagging.of(found))
        return tagging.from_aws(listed)

    def _computed(self, state: Values) -> Values:
        """Return the values that AWS chose itself: an update resets what it isn't given.

        Empty values are left out: no operation accepts the ones that a read returned.
        """
        known = {
            name: value
            for name, value in state.items()
            if name in self.properties and self.properties[name].computed
        }
        return as_object(without_empty(known))
