"""A resource type of AWS: a declaration and the operations that keep it."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from localcloud.providers.aws.clients import Aws, AwsError, Document
from localcloud.providers.aws.shapes import Casing, from_aws, to_aws, violations
from localcloud.providers.schema import Created, Failure, Kind, Property, Request, ResourceType
from localcloud.providers.values import Value, Values, is_empty, mapping, text, without_empty

ARN: Final = Property(output=True, aws="Arn")
REGION: Final = Property(computed=True, force_new=True)
TAGS: Final = Property(kind=Kind.MAP, items=Property())
TAGS_ALL: Final = Property(kind=Kind.MAP, items=Property(), output=True, volatile=True)
TAGGED: Final[Mapping[str, Property]] = {"tags": TAGS, "tagsAll": TAGS_ALL}

# What the base class itself does with these; no operation takes them under these names.
HANDLED: Final = frozenset({"region", "tags"})


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation of a service.

    Attributes:
        name: as AWS names it.
        result: the member of its answer that describes the resource; None where it is the answer.
    """

    name: str
    result: str | None = None


@dataclass(frozen=True, kw_only=True)
class Tagging:
    """How a service keeps a resource's tags.

    Attributes:
        resource: the member that names the resource.
        property: the property whose value names it.
        tags: the member that holds tags.
        keys: the member that holds the keys to take away.
        pairs: the names of key and value where tags are a list of pairs; None for a map.
        created_as: the member of the create operation that holds tags.
        tag: the operation that sets tags.
        untag: the operation that takes tags away.
        list: the operation that lists them; None where the read operation answers them.
        listed_as: the member of the answer that holds tags.
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

    def written(self, tags: Values) -> object:
        """Put tags as the service takes them."""
        if self.pairs is None:
            return dict(tags)
        key, value = self.pairs
        return [{key: name, value: content} for name, content in tags.items()]

    def read(self, answer: Document) -> Values:
        """Take tags out of an answer, without those that AWS itself sets."""
        found = answer.get(self.listed_as) or {}
        if self.pairs is not None:
            key, value = self.pairs
            found = {pair[key]: pair[value] for pair in found}
        return {name: str(value) for name, value in found.items() if not name.startswith("aws:")}


class AwsResource(ResourceType[Aws]):
    """A resource type whose operations follow the service's shapes.

    Attributes:
        service: botocore's name of the service.
        creates: the operation that makes it.
        reads: the operation that describes it.
        updates: the operation that changes it; None where a subclass does otherwise or nothing
            can be changed.
        deletes: the operation that deletes it.
        gone: the error codes that say that it is not there.
        tagging: how the service keeps its tags; None where it has none.
        casing: how the service names members.
        handled: the inputs that go another way than the create operation's parameters.
    """

    service: ClassVar[str]
    creates: ClassVar[Operation]
    reads: ClassVar[Operation]
    updates: ClassVar[Operation | None] = None
    deletes: ClassVar[Operation]
    gone: ClassVar[frozenset[str]] = frozenset({"ResourceNotFoundException"})
    tagging: ClassVar[Tagging | None] = None
    casing: ClassVar[Casing] = Casing.PASCAL
    handled: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def identify(self, resource_id: str, state: Values) -> Document:
        """Name the resource as its operations do; each takes of this what its shape has.

        `state` is empty for an import.
        """

    @abstractmethod
    def created_id(self, inputs: Values, result: Document) -> str:
        """Find the id in what the create operation answered."""

    def check(self, context: Aws, inputs: Values) -> tuple[Values, list[Failure]]:
        """Add the provider's default tags; hold the inputs against botocore's shapes."""
        completed = dict(inputs)
        tags = inputs.get("tags", {})
        if self.tagging and context.default_tags and isinstance(tags, dict):
            completed["tags"] = {**context.default_tags, **tags}
        shape = context.input_shape(self.service, self.creates.name)
        failures = list(violations(self.properties, completed, shape, self.casing))
        return completed, failures

    def create(self, request: Request[Aws], inputs: Values) -> Created:
        """Make the resource by its create operation."""
        answer = self.call(request, self.creates, self.creation(request, inputs), inputs)
        return Created(id=self.created_id(inputs, answer))

    def creation(self, request: Request[Aws], inputs: Values) -> Document:
        """Put the create operation's parameters together."""
        parameters = self.parameters(request, self.creates, inputs)
        self._add_tags(request, self.creates, parameters, inputs)
        return parameters

    def read(self, request: Request[Aws], resource_id: str, state: Values) -> Values | None:
        """Describe the resource by its read operation, and its tags."""
        try:
            answer = self.call(
                request, self.reads, self._identity(request, self.reads, resource_id, state), state
            )
            found = self.described(answer) | self.more(request, resource_id, state, answer)
            found["region"] = state.get("region") or request.context.region
            if self.tagging:
                found["tags"] = found["tagsAll"] = self._tags(request, found, answer)
        except AwsError as error:
            if error.code in self.gone:
                return None
            raise
        return found

    def described(self, answer: Document) -> Values:
        """Turn what the read operation answered into Pulumi values."""
        return from_aws(self.properties, answer, self.casing)

    def more(
        self, request: Request[Aws], resource_id: str, state: Values, answer: Document
    ) -> Values:
        """Find what the read operation doesn't answer under the declared names."""
        del request, resource_id, state, answer
        return {}

    def update(self, request: Request[Aws], resource_id: str, olds: Values, news: Values) -> None:
        """Change the resource by its update operation, and its tags."""
        if self.updates is not None and self.changed(olds, news):
            parameters = self.parameters(request, self.updates, self._computed(olds) | news)
            self._add_tags(request, self.updates, parameters, news)
            parameters |= self._identity(request, self.updates, resource_id, olds)
            self.call(request, self.updates, parameters, news)
        self.retag(request, olds, news)

    def delete(self, request: Request[Aws], resource_id: str, state: Values) -> None:
        """Delete the resource by its delete operation; it may be gone already."""
        try:
            parameters = self.deletion(state)
            parameters |= self._identity(request, self.deletes, resource_id, state)
            self.call(request, self.deletes, parameters, state)
        except AwsError as error:
            if error.code not in self.gone:
                raise

    def deletion(self, state: Values) -> Document:
        """Put the delete operation's parameters together, beside those that name the resource."""
        del state
        return {}

    def parameters(self, request: Request[Aws], operation: Operation, inputs: Values) -> Document:
        """Put those inputs together that an operation takes."""
        shape = request.context.input_shape(self.service, operation.name)
        return to_aws(self.properties, inputs, shape, self.casing)

    def call(
        self, request: Request[Aws], operation: Operation, parameters: Document, values: Values
    ) -> Document:
        """Call an operation in the resource's region and take its result."""
        region = values.get("region")
        answer = request.context.call(
            self.service, operation.name, parameters, region if isinstance(region, str) else None
        )
        result = answer if operation.result is None else answer.get(operation.result)
        if isinstance(result, list):
            result = result[0] if result else None
        if result is None:
            raise AwsError(operation.name, next(iter(self.gone)), "there is no such resource")
        described: Document = result
        return described

    def retag(self, request: Request[Aws], olds: Values, news: Values) -> None:
        """Set and take away tags until they are as the program says."""
        if (tagging := self.tagging) is None:
            return
        old, new = mapping(olds.get("tags")), mapping(news.get("tags"))
        resource = {tagging.resource: text(olds[tagging.property])}
        if removed := sorted(old.keys() - new.keys()):
            operation = Operation(name=tagging.untag)
            self.call(request, operation, {**resource, tagging.keys: removed}, news)
        if changed := {name: new[name] for name in new if old.get(name) != new[name]}:
            operation = Operation(name=tagging.tag)
            written = {tagging.tags: tagging.written(changed)}
            self.call(request, operation, {**resource, **written}, news)

    def _identity(
        self, request: Request[Aws], operation: Operation, resource_id: str, state: Values
    ) -> Document:
        shape = request.context.input_shape(self.service, operation.name)
        identity = self.identify(resource_id, state)
        return {name: value for name, value in identity.items() if name in shape.members}

    def _add_tags(
        self, request: Request[Aws], operation: Operation, parameters: Document, inputs: Values
    ) -> None:
        tags = mapping(inputs.get("tags"))
        shape = request.context.input_shape(self.service, operation.name)
        if self.tagging and tags and self.tagging.created_as in shape.members:
            parameters[self.tagging.created_as] = self.tagging.written(tags)

    def _tags(self, request: Request[Aws], found: Values, answer: Document) -> Values:
        tagging = self.tagging
        if tagging is None or tagging.list is None:
            return tagging.read(answer) if tagging else {}
        resource = {tagging.resource: text(found[tagging.property])}
        return tagging.read(self.call(request, Operation(name=tagging.list), resource, found))

    def changed(self, olds: Values, news: Values) -> bool:
        """Say whether anything but the tags changes; what is empty is as good as absent."""
        inputs = self.properties.items()
        settable = {name for name, declared in inputs if not (declared.output or declared.computed)}
        return any(olds.get(name) != news.get(name) for name in (settable | news.keys()) - {"tags"})

    def _computed(self, olds: Values) -> Values:
        """Repeat what AWS itself had filled in, as an update resets what it isn't given.

        An empty value that a read brought back stands for nothing, and no operation takes it.
        """
        known = {
            name: value
            for name, value in olds.items()
            if name in self.properties and self.properties[name].computed
        }
        return mapping(without_empty(known))


def _meaning(value: Value) -> Value:
    """Take what is empty, at any depth, for what it means: nothing."""
    pruned = without_empty(value)
    return None if is_empty(pruned) else pruned
