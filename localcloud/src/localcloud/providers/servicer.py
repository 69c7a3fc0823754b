# ruff: noqa: N802  # the methods have the names of the protocol's calls
"""A Pulumi provider over gRPC, for any set of resource types.

Source: pulumi/pulumi, proto/pulumi/provider.proto, and the engine's calls on it.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Generic, NoReturn, TypeVar

import grpc
from google.protobuf import any_pb2, empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from localcloud.providers.checking import check
from localcloud.providers.diffing import Change, Difference, diff, same
from localcloud.providers.schema import (
    CheckRequest,
    CreateRequest,
    Failure,
    InitializationError,
    Properties,
    Property,
    ProviderError,
    ResourceRequest,
    ResourceType,
    UpdateRequest,
    initializing,
)
from localcloud.providers.values import UNKNOWN, Value, Values, decode, encode, is_empty

C = TypeVar("C")

# More than the engines that run on one machine at a time.
_CONNECTIONS = 64
_LOG = logging.getLogger(__name__)
_KINDS = {
    (Change.ADD, False): provider_pb2.PropertyDiff.ADD,
    (Change.ADD, True): provider_pb2.PropertyDiff.ADD_REPLACE,
    (Change.DELETE, False): provider_pb2.PropertyDiff.DELETE,
    (Change.DELETE, True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    (Change.UPDATE, False): provider_pb2.PropertyDiff.UPDATE,
    (Change.UPDATE, True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


@dataclass(frozen=True, kw_only=True)
class InvokeRequest(Generic[C]):
    """A call of a function.

    Attributes:
        context: the clients that the provider's configuration gave.
        arguments: the checked arguments.
    """

    context: C
    arguments: Values


@dataclass(frozen=True, kw_only=True)
class Invoke(Generic[C]):
    """A function that a program calls.

    Attributes:
        arguments: the declaration of its arguments.
        call: its implementation.
        secret: the names of its secret results.
    """

    arguments: Properties
    call: Callable[[InvokeRequest[C]], Values]
    secret: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Provider(Generic[C]):
    """A provider: its configuration, resource types and functions.

    Attributes:
        name: the package, as programs name it.
        version: the version of the real provider that it stands in for.
        configuration: the declaration of its configuration.
        configure: makes the context of operations from a configuration; may raise ProviderError.
        resources: its resource types by token.
        invokes: its functions by token.
    """

    name: str
    version: str
    configuration: Properties
    configure: Callable[[Values], C]
    resources: Mapping[str, ResourceType[C]]
    invokes: Mapping[str, Invoke[C]]


class _Session(Generic[C]):
    """One engine's connection: its context, and whether the engine asked to stop."""

    def __init__(self, context: C) -> None:
        self.context = context
        self.cancelled = threading.Event()


class Servicer(provider_pb2_grpc.ResourceProviderServicer, Generic[C]):
    """Serves a provider to any number of engines.

    An engine configures the provider on the same connection that it uses for its operations, so
    configurations are stored per connection.
    """

    def __init__(self, provider: Provider[C]) -> None:
        """Serve a provider."""
        self._provider = provider
        self._lock = threading.Lock()
        self._contexts: dict[str, C] = {}
        self._sessions: dict[str, _Session[C]] = {}

    def Handshake(
        self, _request: provider_pb2.ProviderHandshakeRequest, _context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Agree on the protocol: the engine marks secrets and unknowns."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(
        self, _request: plugin_pb2.PluginAttach, _context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Accept an engine's address, which this provider never calls."""
        return empty_pb2.Empty()

    def GetPluginInfo(
        self, _request: empty_pb2.Empty, _context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        """Return the version of the provider that this one stands in for."""
        return plugin_pb2.PluginInfo(version=self._provider.version)

    def GetSchema(
        self, _request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetSchemaResponse:
        """Refuse: the Python SDKs contain the schema."""
        self._refuse(context, "GetSchema")

    def Parameterize(
        self, _request: provider_pb2.ParameterizeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ParameterizeResponse:
        """Refuse: these packages have no parameters."""
        self._refuse(context, "Parameterize")

    def Construct(
        self, request: provider_pb2.ConstructRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConstructResponse:
        """Refuse: these packages have no components."""
        self._refuse(context, f"the component {request.type}")

    def Call(
        self, request: provider_pb2.CallRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CallResponse:
        """Refuse: these packages have no methods."""
        self._refuse(context, f"the method {request.tok}")

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Validate a configuration."""
        with self._operation(context, "CheckConfig", self._provider.name):
            values, secret = decode(request.news)
            _, failures = check(self._provider.configuration, configuration(values))
            return provider_pb2.CheckResponse(
                inputs=encode(values, secret), failures=_failures(failures)
            )

    def DiffConfig(
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        """Compare configurations; a change never replaces the provider's resources."""
        with self._operation(context, "DiffConfig", self._provider.name):
            olds, _ = decode(request.olds)
            news, _ = decode(request.news)
            return _response(
                diff(self._provider.configuration, configuration(olds), configuration(news))
            )

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Make the context of an engine's operations from its configuration."""
        with self._operation(context, "Configure", self._provider.name):
            values, _ = decode(request.args)
            checked, failures = check(self._provider.configuration, configuration(values))
            if failures:
                raise ProviderError("; ".join(failure.reason for failure in failures))
            self._configure(context.peer(), checked)
            return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Invoke(
        self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.InvokeResponse:
        """Call a function."""
        with self._operation(context, request.tok, self._provider.name):
            invoke = self._provider.invokes.get(request.tok)
            if invoke is None:
                raise ProviderError(
                    f"Unsupported: the stand-in's {self._provider.name} provider has no function"
                    f" {request.tok}"
                )
            arguments, _ = decode(request.args)
            checked, failures = check(invoke.arguments, arguments)
            if failures:
                return provider_pb2.InvokeResponse(failures=_failures(failures))
            call = InvokeRequest(context=self._session(context).context, arguments=checked)
            result = invoke.call(call)
            response = provider_pb2.InvokeResponse()
            # The field's name is a Python keyword.
            getattr(response, "return").CopyFrom(encode(result, invoke.secret))
            return response

    def Check(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Validate a resource's inputs and fill in the defaults."""
        with self._operation(context, "Check", request.urn):
            if (resource := self._provider.resources.get(_type(request.urn))) is None:
                # A failure, not an error, so that the engine continues and reports the others too.
                unknown = Failure(property="", reason=self._no_type(_type(request.urn)))
                return provider_pb2.CheckResponse(failures=_failures([unknown]))
            news, secret = decode(request.news)
            checked, failures = check(resource.properties, news)
            completed, more = resource.check(
                CheckRequest(context=self._session(context).context, inputs=checked)
            )
            return provider_pb2.CheckResponse(
                inputs=encode(completed, secret), failures=_failures([*failures, *more])
            )

    def Diff(
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        """Compare a resource's state with new inputs."""
        with self._operation(context, "Diff", request.urn):
            resource = self._resource(request.urn)
            olds, _ = decode(request.olds)
            news, _ = decode(request.news)
            differences = [
                difference
                for difference in diff(resource.properties, olds, news)
                if not _ignored(difference, request.ignoreChanges)
            ]
            name = resource.autonamed
            return _response(
                differences, delete_first=name is not None and olds.get(name) == news.get(name)
            )

    def Create(
        self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CreateResponse:
        """Create a resource, or preview it."""
        with self._operation(context, "preview" if request.preview else "create", request.urn):
            resource = self._resource(request.urn)
            inputs, secret = decode(request.properties)
            marked = secret | _secret(resource.properties)
            if request.preview:
                outputs = inputs | _unknown(resource.properties, inputs)
                return provider_pb2.CreateResponse(properties=encode(outputs, marked))
            session = self._session(context)
            creation = CreateRequest(
                context=session.context,
                timeout=request.timeout or None,
                cancelled=session.cancelled,
                inputs=inputs,
            )
            try:
                created = resource.create(creation)
                known = {**inputs, **created.outputs}
                state = _describe_created(resource, creation.for_resource(created.id, known))
            except InitializationError as error:
                state = _describe_failed(resource, creation.for_resource(error.id, inputs))
                _abort_initialization(context, error, encode(state, marked), encode(inputs, secret))
            return provider_pb2.CreateResponse(id=created.id, properties=encode(state, marked))

    def Read(
        self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ReadResponse:
        """Read a resource from the service, for a refresh or an import."""
        with self._operation(context, "read", request.urn):
            resource = self._resource(request.urn)
            state, secret = decode(request.properties)
            inputs, secret_inputs = decode(request.inputs)
            found = resource.read(
                self._resource_request(context, request.timeout, request.id, state)
            )
            if found is None:
                return provider_pb2.ReadResponse()
            merged = _without_missing(resource, _merge(resource, state, found), found)
            return provider_pb2.ReadResponse(
                id=str(found.get("id", request.id)),
                properties=encode(merged, secret | _secret(resource.properties)),
                inputs=encode(
                    _inputs(resource.properties, inputs, state, merged),
                    secret_inputs | secret | _secret(resource.properties),
                ),
            )

    def Update(
        self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.UpdateResponse:
        """Change a resource in place, or preview the change."""
        with self._operation(context, "preview" if request.preview else "update", request.urn):
            resource = self._resource(request.urn)
            olds, secret_olds = decode(request.olds)
            news, secret = decode(request.news)
            # The engine sends the program's earlier input, which AWS may have changed since.
            news |= {name: olds[name] for name in request.ignoreChanges if name in olds}
            marked = secret | _secret(resource.properties) | (secret_olds - news.keys())
            kept = news | _carried_over(resource.properties, olds, news)
            if request.preview:
                outputs = kept | dict.fromkeys(_volatile(resource.properties), UNKNOWN)
                return provider_pb2.UpdateResponse(properties=encode(outputs, marked))
            session = self._session(context)
            change = UpdateRequest(
                context=session.context,
                timeout=request.timeout or None,
                cancelled=session.cancelled,
                id=request.id,
                state=olds,
                inputs=news,
            )
            try:
                kept |= resource.update(change) or {}
                state = _describe(resource, change.for_resource(request.id, kept))
            except InitializationError as error:
                state = _describe_failed(resource, change.for_resource(error.id, kept))
                _abort_initialization(context, error, encode(state, marked), encode(news, secret))
            return provider_pb2.UpdateResponse(properties=encode(state, marked))

    def Delete(
        self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Delete a resource."""
        with self._operation(context, "delete", request.urn):
            state, _ = decode(request.properties)
            self._resource(request.urn).delete(
                self._resource_request(context, request.timeout, request.id, state)
            )
            return empty_pb2.Empty()

    def Cancel(self, _request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Stop waiting in an engine's operations."""
        if (session := self._sessions.get(context.peer())) is not None:
            session.cancelled.set()
        return empty_pb2.Empty()

    def stop(self) -> None:
        """Stop waiting in all engines' operations."""
        for session in list(self._sessions.values()):
            session.cancelled.set()

    def _configure(self, peer: str, configuration: Values) -> None:
        """Store a connection's context; equal configurations share one.

        Nothing reports a closed connection, so the oldest are discarded.
        """
        key = json.dumps(configuration, sort_keys=True)
        with self._lock:
            if (made := self._contexts.pop(key, None)) is None:
                made = self._provider.configure(configuration)
            self._contexts[key] = made
            self._sessions[peer] = _Session(made)
            for stored in (self._contexts, self._sessions):
                while len(stored) > _CONNECTIONS:
                    del stored[next(iter(stored))]

    def _resource(self, urn: str) -> ResourceType[C]:
        token = _type(urn)
        if (resource := self._provider.resources.get(token)) is None:
            raise ProviderError(self._no_type(token))
        return resource

    def _no_type(self, token: str) -> str:
        name = self._provider.name
        return f"Unsupported: the stand-in's {name} provider has no resource type {token}"

    def _session(self, context: grpc.ServicerContext) -> _Session[C]:
        if (session := self._sessions.get(context.peer())) is None:
            raise ProviderError(f"the {self._provider.name} provider was not configured")
        return session

    def _resource_request(
        self, context: grpc.ServicerContext, timeout: float, resource_id: str, state: Values
    ) -> ResourceRequest[C]:
        session = self._session(context)
        return ResourceRequest(
            context=session.context,
            timeout=timeout or None,
            cancelled=session.cancelled,
            id=resource_id,
            state=state,
        )

    def _refuse(self, context: grpc.ServicerContext, what: str) -> NoReturn:
        context.abort(
            grpc.StatusCode.UNIMPLEMENTED,
            f"Unsupported: the stand-in's {self._provider.name} provider doesn't support {what}",
        )

    @contextmanager
    def _operation(self, context: grpc.ServicerContext, verb: str, urn: str) -> Iterator[None]:
        """Log an operation in one line without its inputs, and report its failure to the engine."""
        name = "::".join(urn.split("::")[2:]).rsplit("$", 1)[-1] or urn
        begun = time.monotonic()
        outcome = "ok"
        try:
            yield
        except ProviderError as error:
            outcome = "failed"
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception:
            outcome = "failed"
            raise
        finally:
            milliseconds = (time.monotonic() - begun) * 1000
            _LOG.info("%s %s %s %.0f ms", name, verb, outcome, milliseconds)


def configuration(values: Values) -> Values:
    """Parse the lists and objects that the engine sends as JSON strings in a configuration."""
    parsed: Values = {}
    for name, value in values.items():
        parsed[name] = value
        if isinstance(value, str) and value.startswith(("[", "{")):
            with suppress(ValueError):
                parsed[name] = json.loads(value)
    return parsed


def _type(urn: str) -> str:
    return urn.split("::")[2].rsplit("$", 1)[-1]


def _failures(failures: Collection[Failure]) -> list[provider_pb2.CheckFailure]:
    return [
        provider_pb2.CheckFailure(property=failure.property, reason=failure.reason)
        for failure in failures
    ]


def _response(
    differences: Collection[Difference], *, delete_first: bool = False
) -> provider_pb2.DiffResponse:
    replaces = list(dict.fromkeys(item.top_level for item in differences if item.replace))
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME
        if differences
        else provider_pb2.DiffResponse.DIFF_NONE,
        diffs=list(dict.fromkeys(item.top_level for item in differences)),
        replaces=replaces,
        deleteBeforeReplace=bool(replaces) and delete_first,
        hasDetailedDiff=True,
        detailedDiff={
            item.path: provider_pb2.PropertyDiff(kind=_KINDS[item.change, item.replace])
            for item in differences
        },
    )


def _ignored(difference: Difference, ignored: Collection[str]) -> bool:
    return any(
        difference.path == path or difference.path.startswith((f"{path}.", f"{path}["))
        for path in ignored
    )


def _secret(properties: Properties) -> frozenset[str]:
    return frozenset(name for name, declared in properties.items() if declared.secret)


def _volatile(properties: Properties) -> frozenset[str]:
    return frozenset(name for name, declared in properties.items() if declared.volatile)


def _unknown(properties: Properties, inputs: Values) -> Values:
    """Return the properties that are known only after the creation."""
    return {
        name: UNKNOWN
        for name, declared in properties.items()
        if name not in inputs and (declared.output or declared.computed)
    }


def _carried_over(properties: Properties, olds: Values, news: Values) -> Values:
    """Return the outputs and computed values of a state that remain with new inputs."""
    return {
        name: olds[name]
        for name, declared in properties.items()
        if (declared.output or declared.computed) and name in olds and name not in news
    }


def _describe(resource: ResourceType[C], request: ResourceRequest[C]) -> Values:
    """Return the new state of a resource, as the service describes it."""
    return _merge(resource, request.state, resource.read(request))


def _describe_created(resource: ResourceType[C], request: ResourceRequest[C]) -> Values:
    """Describe a new resource, which exists even if it can't be read."""
    with initializing(request.id):
        return _describe(resource, request)


def _describe_failed(resource: ResourceType[C], request: ResourceRequest[C]) -> Values:
    """Describe a resource that failed to start; keep the known state if it can't be read."""
    try:
        return _describe(resource, request)
    except ProviderError:
        return request.state


def _merge(resource: ResourceType[C], known: Values, found: Values | None) -> Values:
    """Return what the service describes, in the program's spelling of equivalent values."""
    if found is None:
        return known
    merged = {name: value for name, value in known.items() if name in resource.properties}
    for name, declared in resource.properties.items():
        if declared.write_only:
            continue
        if name in found and not _is_equivalent(declared, found[name], known.get(name)):
            merged[name] = found[name]
    return merged


def _without_missing(resource: ResourceType[C], merged: Values, found: Values) -> Values:
    """Remove what the service no longer has; a read returns all but write-only inputs."""
    missing = {
        name
        for name, declared in resource.properties.items()
        if not (declared.output or declared.write_only) and name not in found
    }
    return {name: value for name, value in merged.items() if name not in missing}


def _is_equivalent(declared: Property, found: Value, known: Value) -> bool:
    if is_empty(known) or declared.output:
        return False
    return same(declared, found, known)


def _inputs(properties: Properties, inputs: Values, state: Values, found: Values) -> Values:
    """Return the inputs that would create what was found; a refresh keeps unchanged ones as is."""
    possible = {
        name: found.get(name)
        for name, declared in properties.items()
        if not declared.output and not declared.unsupported
    }
    if not state:
        return {
            name: value
            for name, value in possible.items()
            if not is_empty(value) and value != properties[name].default
        }
    return {
        name: value
        for name, value in possible.items()
        if not is_empty(value) and (name in inputs or state.get(name) != value)
    }


def _abort_initialization(
    context: grpc.ServicerContext,
    error: InitializationError,
    properties: struct_pb2.Struct,
    inputs: struct_pb2.Struct,
) -> NoReturn:
    detail = any_pb2.Any()
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=error.id, properties=properties, reasons=error.reasons, inputs=inputs
        )
    )
    status = status_pb2.Status(
        code=grpc.StatusCode.UNKNOWN.value[0], message=str(error), details=[detail]
    )
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, str(error))
