# ruff: noqa: N802  # the methods are named as the protocol names its calls
"""A Pulumi provider over gRPC, for whatever resource types it is given.

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
    Created,
    Failure,
    InitializationError,
    Properties,
    Property,
    ProviderError,
    Request,
    ResourceType,
)
from localcloud.providers.values import UNKNOWN, Value, Values, decode, encode, is_empty

C = TypeVar("C")

# More engines than one machine runs at a time.
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
class Invoke(Generic[C]):
    """A function that a program calls.

    Attributes:
        arguments: what it takes.
        call: what it does.
        secret: the names of its results that are secret.
    """

    arguments: Properties
    call: Callable[[C, Values], Values]
    secret: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Provider(Generic[C]):
    """What a provider offers.

    Attributes:
        name: the package, as programs name it.
        version: the version of the real provider that it stands in for.
        configuration: what its configuration takes.
        configure: makes the context of its operations from a configuration; complains by
            ProviderError.
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
    """One engine's connection: its configuration, and whether it asked to stop."""

    def __init__(self, context: C) -> None:
        self.context = context
        self.cancelled = threading.Event()


class Servicer(provider_pb2_grpc.ResourceProviderServicer, Generic[C]):
    """Serves a provider to any number of engines.

    An engine configures the provider on the connection that it then uses, so configurations are
    kept by connection.
    """

    def __init__(self, provider: Provider[C]) -> None:
        """Serve `provider`."""
        self._provider = provider
        self._lock = threading.Lock()
        self._contexts: dict[str, C] = {}
        self._sessions: dict[str, _Session[C]] = {}

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Agree on the protocol: secrets come marked, unknowns as unknowns."""
        del request, context
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(
        self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Take an engine's address; this provider doesn't call back."""
        del request, context
        return empty_pb2.Empty()

    def GetPluginInfo(
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        """Tell the version of the provider that this one stands in for."""
        del request, context
        return plugin_pb2.PluginInfo(version=self._provider.version)

    def GetSchema(
        self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetSchemaResponse:
        """Refuse: programs in Python carry the schema in their SDK."""
        del request
        self._refuse(context, "GetSchema")

    def Parameterize(
        self, request: provider_pb2.ParameterizeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ParameterizeResponse:
        """Refuse: these packages take no parameters."""
        del request
        self._refuse(context, "Parameterize")

    def Construct(
        self, request: provider_pb2.ConstructRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConstructResponse:
        """Refuse: these packages have no components of their own."""
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
        """Say what a changed configuration means: an update, as nothing moves by itself."""
        with self._operation(context, "DiffConfig", self._provider.name):
            olds, _ = decode(request.olds)
            news, _ = decode(request.news)
            return _response(
                diff(self._provider.configuration, configuration(olds), configuration(news))
            )

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Make the context of an engine's operations."""
        with self._operation(context, "Configure", self._provider.name):
            values, _ = decode(request.args)
            checked, failures = check(self._provider.configuration, configuration(values))
            if failures:
                raise ProviderError("; ".join(failure.reason for failure in failures))
            self._begin(context.peer(), checked)
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
            result = invoke.call(self._session(context).context, checked)
            response = provider_pb2.InvokeResponse()
            # The field's name is a keyword of Python.
            getattr(response, "return").CopyFrom(encode(result, invoke.secret))
            return response

    def Check(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Validate a resource's inputs and fill in the defaults."""
        with self._operation(context, "Check", request.urn):
            if (resource := self._provider.resources.get(_type(request.urn))) is None:
                # As a failure, not an error: the engine then goes on and tells the others too.
                unknown = Failure(property="", reason=self._no_type(_type(request.urn)))
                return provider_pb2.CheckResponse(failures=_failures([unknown]))
            news, secret = decode(request.news)
            checked, failures = check(resource.properties, news)
            completed, more = resource.check(self._session(context).context, checked)
            return provider_pb2.CheckResponse(
                inputs=encode(completed, secret), failures=_failures([*failures, *more])
            )

    def Diff(
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        """Say what new inputs mean for a resource."""
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
        """Make a resource, or tell what it would be."""
        with self._operation(context, "preview" if request.preview else "create", request.urn):
            resource = self._resource(request.urn)
            inputs, secret = decode(request.properties)
            marked = secret | _secret(resource.properties)
            if request.preview:
                outputs = inputs | _unknown(resource.properties, inputs)
                return provider_pb2.CreateResponse(properties=encode(outputs, marked))
            work = self._request(context, request.timeout)
            try:
                created = resource.create(work, inputs)
                state = _created(resource, work, created, {**inputs, **created.outputs})
            except InitializationError as error:
                state = _merged(resource, inputs, _read(resource, work, error.id, inputs))
                _abort_initialization(context, error, encode(state, marked), encode(inputs, secret))
            return provider_pb2.CreateResponse(id=created.id, properties=encode(state, marked))

    def Read(
        self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ReadResponse:
        """Ask the service what a resource is, for a refresh or an import."""
        with self._operation(context, "read", request.urn):
            resource = self._resource(request.urn)
            state, secret = decode(request.properties)
            inputs, secret_inputs = decode(request.inputs)
            work = self._request(context, request.timeout)
            found = resource.read(work, request.id, state)
            if found is None:
                return provider_pb2.ReadResponse()
            merged = _without_gone(resource, _merged(resource, state, found), found)
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
        """Change a resource in place, or tell what it would be."""
        with self._operation(context, "preview" if request.preview else "update", request.urn):
            resource = self._resource(request.urn)
            olds, secret_olds = decode(request.olds)
            news, secret = decode(request.news)
            marked = secret | _secret(resource.properties) | (secret_olds - news.keys())
            kept = news | _kept(resource.properties, olds, news)
            if request.preview:
                outputs = kept | dict.fromkeys(_volatile(resource.properties), UNKNOWN)
                return provider_pb2.UpdateResponse(properties=encode(outputs, marked))
            work = self._request(context, request.timeout)
            try:
                kept |= resource.update(work, request.id, olds, news) or {}
                state = _merged(resource, kept, resource.read(work, request.id, kept))
            except InitializationError as error:
                state = _merged(resource, kept, _read(resource, work, error.id, kept))
                _abort_initialization(context, error, encode(state, marked), encode(news, secret))
            return provider_pb2.UpdateResponse(properties=encode(state, marked))

    def Delete(
        self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Delete a resource."""
        with self._operation(context, "delete", request.urn):
            state, _ = decode(request.properties)
            work = self._request(context, request.timeout)
            self._resource(request.urn).delete(work, request.id, state)
            return empty_pb2.Empty()

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """End the waits of an engine's operations."""
        del request
        if (session := self._sessions.get(context.peer())) is not None:
            session.cancelled.set()
        return empty_pb2.Empty()

    def stop(self) -> None:
        """End the waits of all engines' operations."""
        for session in list(self._sessions.values()):
            session.cancelled.set()

    def _begin(self, peer: str, configuration: Values) -> None:
        """Keep a connection's configuration; equal ones share their clients.

        Nothing tells when a connection has gone, so the oldest make room.
        """
        key = json.dumps(configuration, sort_keys=True)
        with self._lock:
            if (made := self._contexts.pop(key, None)) is None:
                made = self._provider.configure(configuration)
            self._contexts[key] = made
            self._sessions[peer] = _Session(made)
            for kept in (self._contexts, self._sessions):
                while len(kept) > _CONNECTIONS:
                    del kept[next(iter(kept))]

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

    def _request(self, context: grpc.ServicerContext, timeout: float) -> Request[C]:
        session = self._session(context)
        return Request(
            context=session.context,
            timeout=timeout or None,
            cancelled=session.cancelled,
        )

    def _refuse(self, context: grpc.ServicerContext, what: str) -> NoReturn:
        context.abort(
            grpc.StatusCode.UNIMPLEMENTED,
            f"Unsupported: the stand-in's {self._provider.name} provider doesn't do {what}",
        )

    @contextmanager
    def _operation(self, context: grpc.ServicerContext, verb: str, urn: str) -> Iterator[None]:
        """Log an operation in a line, without its inputs, and tell its failure to the engine."""
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
    """Undo how Pulumi writes structured provider configuration: as JSON in a string.

    Args:
        values: a provider's configuration as the engine sends it.

    Returns:
        The same with lists and objects in place of their JSON.
    """
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
    """What only the creation will tell."""
    return {
        name: UNKNOWN
        for name, declared in properties.items()
        if name not in inputs and (declared.output or declared.computed)
    }


def _kept(properties: Properties, olds: Values, news: Values) -> Values:
    """What of a state outlives new inputs: outputs, and what the provider computed."""
    return {
        name: olds[name]
        for name, declared in properties.items()
        if (declared.output or declared.computed) and name in olds and name not in news
    }


def _created(
    resource: ResourceType[C], request: Request[C], created: Created, known: Values
) -> Values:
    """Describe a new resource; it is there even where it can't be described."""
    try:
        return _merged(resource, known, resource.read(request, created.id, known))
    except ProviderError as error:
        raise InitializationError(created.id, str(error)) from error


def _merged(resource: ResourceType[C], known: Values, found: Values | None) -> Values:
    """A state: what the service says, in the program's spelling where both mean the same."""
    if found is None:
        return known
    merged = {name: value for name, value in known.items() if name in resource.properties}
    for name, declared in resource.properties.items():
        if declared.write_only:
            continue
        if name in found and not _spelled_alike(declared, found[name], known.get(name)):
            merged[name] = found[name]
    return merged


def _without_gone(resource: ResourceType[C], merged: Values, found: Values) -> Values:
    """Leave out what the service no longer has: a read brings back all but write-only inputs."""
    gone = {
        name
        for name, declared in resource.properties.items()
        if not (declared.output or declared.write_only) and name not in found
    }
    return {name: value for name, value in merged.items() if name not in gone}


def _spelled_alike(declared: Property, found: Value, known: Value) -> bool:
    if is_empty(known) or declared.output:
        return False
    return same(declared, found, known)


def _read(
    resource: ResourceType[C], request: Request[C], resource_id: str, known: Values
) -> Values | None:
    """Read a resource that failed to start; what can't be read is left as known."""
    try:
        return resource.read(request, resource_id, known)
    except ProviderError:
        return None


def _inputs(properties: Properties, inputs: Values, state: Values, found: Values) -> Values:
    """The inputs that would give what was found: for a refresh as the program spells them."""
    taken = {
        name: found.get(name)
        for name, declared in properties.items()
        if not declared.output and not declared.unsupported
    }
    if not state:
        return {
            name: value
            for name, value in taken.items()
            if not is_empty(value) and value != properties[name].default
        }
    return {
        name: value
        for name, value in taken.items()
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
