"""The servicer over real gRPC, with a resource type of the test's own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto import provider_pb2_grpc, status_pb2

from localcloud.providers.schema import (
    Created,
    CreateRequest,
    InitializationError,
    Kind,
    Properties,
    Property,
    ProviderError,
    ResourceRequest,
    ResourceType,
    UpdateRequest,
    unsupported,
)
from localcloud.providers.servicer import Invoke, Provider, Servicer
from localcloud.providers.values import UNKNOWN, Value, Values, decode, encode

_URN = "urn:pulumi:local::t::my:component:C$test:index/thing:Thing::one"


class Thing(ResourceType[dict[str, Values]]):
    """Things, kept in a dictionary."""

    token = "test:index/thing:Thing"
    autonamed = "name"
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True),
        "place": Property(force_new=True),
        "size": Property(kind=Kind.INTEGER, default=1),
        "note": Property(),
        "tier": Property(computed=True),
        "arn": Property(output=True),
        "version": Property(kind=Kind.INTEGER, output=True, volatile=True),
        "key": Property(output=True, secret=True),
        **unsupported("namePrefix"),
    }

    def create(self, request: CreateRequest[dict[str, Values]]) -> Created:
        name = str(request.inputs["name"])
        request.context[name] = {
            **request.inputs,
            "tier": request.inputs.get("tier", "standard"),
            "arn": f"arn:{name}",
            "version": 1,
        }
        if request.inputs.get("note") == "broken":
            request.context[name]["version"] = -1
            raise InitializationError(name, "it is broken")
        return Created(id=name, outputs={"key": "hunter2"})

    def read(self, request: ResourceRequest[dict[str, Values]]) -> Values | None:
        if request.state.get("note") == "unreadable":
            raise ProviderError("it can't be read")
        found = request.context.get(request.id)
        return None if found is None else dict(found)

    def update(self, request: UpdateRequest[dict[str, Values]]) -> None:
        thing = request.context[request.id]
        thing.update(request.inputs)
        thing["version"] = int(str(request.state["version"])) + 1

    def delete(self, request: ResourceRequest[dict[str, Values]]) -> None:
        request.context.pop(request.id, None)


def _configure(values: Values) -> dict[str, Values]:
    if values["place"] == "nowhere":
        raise ProviderError("there is no such place")
    return {}


@pytest.fixture
def port() -> Iterator[int]:
    thing = Thing()
    provider = Provider(
        name="test",
        version="1.2.3",
        configuration={
            "place": Property(required=True),
            "many": Property(kind=Kind.LIST, items=Property(kind=Kind.MAP, items=Property())),
        },
        configure=_configure,
        resources={thing.token: thing},
        invokes={
            "test:index/whisper:whisper": Invoke(
                arguments={"word": Property(required=True)},
                call=lambda request: {"word": request.arguments["word"], "length": 7},
                secret=frozenset({"word"}),
            )
        },
    )
    server = grpc.server(ThreadPoolExecutor(4))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(provider), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(0).wait()


@pytest.fixture
def stub(port: int) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        stub.Configure(pb.ConfigureRequest(args=encode({"place": "here"})))
        yield stub


def _check(
    stub: provider_pb2_grpc.ResourceProviderStub, inputs: Values
) -> tuple[Values, list[tuple[str, str]]]:
    answer = stub.Check(pb.CheckRequest(urn=_URN, news=encode(inputs)))
    return decode(answer.inputs)[0], [(each.property, each.reason) for each in answer.failures]


def _create(
    stub: provider_pb2_grpc.ResourceProviderStub, inputs: Values, *, preview: bool = False
) -> pb.CreateResponse:
    request = pb.CreateRequest(urn=_URN, properties=encode(inputs), preview=preview)
    answer: pb.CreateResponse = stub.Create(request)
    return answer


def test_the_engine_is_offered_secrets_and_previews(
    stub: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    assert stub.Handshake(pb.ProviderHandshakeRequest()).accept_secrets
    assert stub.GetPluginInfo(empty_pb2.Empty()).version == "1.2.3"
    configured = stub.Configure(pb.ConfigureRequest(args=encode({"place": "here"})))
    assert configured.supportsPreview
    assert configured.acceptSecrets


def test_check_fills_in_defaults_and_keeps_secrets_secret(
    stub: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    answer = stub.Check(
        pb.CheckRequest(urn=_URN, news=encode({"name": "a", "note": "hunter2"}, {"note"}))
    )
    assert decode(answer.inputs) == (
        {"name": "a", "note": "hunter2", "size": 1},
        frozenset({"note"}),
    )


def test_check_reports_every_problem(stub: provider_pb2_grpc.ResourceProviderStub) -> None:
    _, failures = _check(stub, {"nmae": "a", "namePrefix": "a-", "size": "x"})
    assert {name for name, _ in failures} == {"name", "nmae", "namePrefix", "size"}


def test_an_unknown_type_is_reported_by_name(
    stub: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    urn = "urn:pulumi:local::t::test:index/other:Other::one"
    answer = stub.Check(pb.CheckRequest(urn=urn, news=encode({})))
    assert "test:index/other:Other" in answer.failures[0].reason
    with pytest.raises(grpc.RpcError, match="test:index/other:Other"):
        stub.Create(pb.CreateRequest(urn=urn))


def test_a_creation_is_previewed_with_unknown_outputs(
    stub: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    properties, secret = decode(_create(stub, {"name": "a"}, preview=True).properties)
    assert properties == {
        "name": "a",
        "tier": UNKNOWN,
        "arn": UNKNOWN,
        "version": UNKNOWN,
        "key": UNKNOWN,
    }
    assert secret == {"key"}
    assert not stub.Read(pb.ReadRequest(urn=_URN, id="a")).id


def test_a_created_resource_is_described_and_its_secrets_marked(
    stub: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    answer = _create(stub, {"name": "a", "size": 2})
    assert answer.id == "a"
    assert decode(answer.properties) == (
        {
            "name": "a",
            "size": 2,
            "tier": "standard",
            "arn": "arn:a",
            "version": 1,
            "key": "hunter2",
        },
        frozenset({"key"}),
    )


@pytest.mark.parametrize(
    ("note", "reason"), [("broken", "broken"), ("unreadable", "can't be read")]
)
def test_a_resource_that_failed_to_start_is_kept_in_the_state(
    stub: provider_pb2_grpc.ResourceProviderStub, note: str, reason: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        _create(stub, {"name": "a", "note": note})
    trailing = {each.key: each.value for each in caught.value.trailing_metadata()}
    status = status_pb2.Status()
    status.ParseFromString(trailing["grpc-status-details-bin"])
    failed = pb.ErrorResourceInitFailed()
    assert status.details[0].Unpack(failed)
    assert failed.id == "a"
    assert reason in failed.reasons[0]
    assert decode(failed.properties)[0]["name"] == "a"


def _diff(
    stub: provider_pb2_grpc.ResourceProviderStub, olds: Values, news: Values, *ignored: str
) -> pb.DiffResponse:
    request = pb.DiffRequest(
        urn=_URN, olds=encode(olds), news=encode(news), ignoreChanges=list(ignored)
    )
    answer: pb.DiffResponse = stub.Diff(request)
    return answer


def test_a_change_in_place(stub: provider_pb2_grpc.ResourceProviderStub) -> None:
    answer = _diff(stub, {"name": "a", "size": 1}, {"name": "a", "size": 2})
    assert answer.changes == pb.DiffResponse.DIFF_SOME
    assert list(answer.diffs) == ["size"]
    assert list(answer.replaces) == []
    assert answer.detailedDiff["size"].kind == pb.PropertyDiff.UPDATE
    assert answer.hasDetailedDiff


def test_no_change(stub: provider_pb2_grpc.ResourceProviderStub) -> None:
    olds: Values = {"name": "a", "size": 1, "tier": "standard", "arn": "arn:a"}
    assert _diff(stub, olds, {"name": "a", "size": 1}).changes == pb.DiffResponse.DIFF_NONE


def test_a_replacement_deletes_first_only_if_the_names_collide(
    stub: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    renamed = _diff(stub, {"name": "a"}, {"name": "b"})
    assert list(renamed.replaces) == ["name"]
    assert not renamed.deleteBeforeReplace
    moved = _diff(stub, {"name": "a", "place": "x"}, {"name": "a", "place": "y"})
    assert list(moved.replaces) == ["place"]
    assert moved.deleteBeforeReplace


def test_changes_that_the_program_ignores(stub: provider_pb2_grpc.ResourceProviderStub) -> None:
    answer = _diff(stub, {"name": "a", "size": 1}, {"name": "a", "size": 2}, "size")
    assert answer.changes == pb.DiffResponse.DIFF_NONE


def test_an_update_keeps_what_the_provider_computed(
    stub: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    olds, _ = decode(_create(stub, {"name": "a", "note": "x", "size": 1}).properties)
    request = pb.UpdateRequest(
        id="a", urn=_URN, olds=encode(olds), news=encode({"name": "a", "size": 2}), preview=True
    )
    previewed, _ = decode(stub.Update(request).properties)
    assert previewed["arn"] == "arn:a"
    assert previewed["version"] is UNKNOWN
    assert previewed["size"] == 2
    request.preview = False
    updated, secret = decode(stub.Update(request).properties)
    assert (updated["version"], updated["tier"], updated["key"]) == (2, "standard", "hunter2")
    assert secret == {"key"}


def _read(
    stub: provider_pb2_grpc.ResourceProviderStub, state: Values, inputs: Values
) -> tuple[str, Values, Values]:
    answer = stub.Read(
        pb.ReadRequest(id="a", urn=_URN, properties=encode(state), inputs=encode(inputs))
    )
    return answer.id, decode(answer.properties)[0], decode(answer.inputs)[0]


def test_a_refresh_reports_drift_in_state_and_inputs(
    stub: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    inputs: Values = {"name": "a", "size": 1}
    state, _ = decode(_create(stub, inputs).properties)
    assert _read(stub, state, inputs) == ("a", state, inputs)
    drifted: dict[str, Value] = {**state, "size": 5, "note": "new"}
    stub.Update(pb.UpdateRequest(id="a", urn=_URN, olds=encode(state), news=encode(drifted)))
    _, found, taken = _read(stub, state, inputs)
    assert (found["size"], found["note"]) == (5, "new")
    assert taken == {"name": "a", "size": 5, "note": "new"}


def test_an_import_returns_inputs_without_defaults_and_outputs(
    stub: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    _create(stub, {"name": "a", "size": 1, "note": "x"})
    resource_id, _, inputs = _read(stub, {}, {})
    assert resource_id == "a"
    assert inputs == {"name": "a", "note": "x", "tier": "standard"}


def test_a_missing_resource_has_an_empty_id(
    stub: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    _create(stub, {"name": "a"})
    for _ in range(2):
        stub.Delete(pb.DeleteRequest(id="a", urn=_URN))
    assert _read(stub, {"name": "a"}, {"name": "a"})[0] == ""


def test_functions(stub: provider_pb2_grpc.ResourceProviderStub) -> None:
    token = "test:index/whisper:whisper"
    answer = stub.Invoke(pb.InvokeRequest(tok=token, args=encode({"word": "hunter2"})))
    result, secret = decode(getattr(answer, "return"))
    assert result == {"word": "hunter2", "length": 7}
    assert secret == {"word"}
    refusal = stub.Invoke(pb.InvokeRequest(tok=token, args=encode({"wrod": "x"})))
    assert {each.property for each in refusal.failures} == {"word", "wrod"}
    with pytest.raises(grpc.RpcError, match="test:index/shout:shout"):
        stub.Invoke(pb.InvokeRequest(tok="test:index/shout:shout"))


def test_unsupported_calls_are_rejected_by_name(
    stub: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    calls: dict[str, Callable[[], object]] = {
        "test:index:C": lambda: stub.Construct(pb.ConstructRequest(type="test:index:C")),
        "test:index:m": lambda: stub.Call(pb.CallRequest(tok="test:index:m")),
        "GetSchema": lambda: stub.GetSchema(pb.GetSchemaRequest()),
        "Parameterize": lambda: stub.Parameterize(pb.ParameterizeRequest()),
    }
    for name, call in calls.items():
        with pytest.raises(grpc.RpcError, match=name) as caught:
            call()
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_configuration_is_validated_and_its_json_parsed(
    stub: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    news = encode({"palce": "here", "many": '[{"a": 1}]', "version": "1.2.3"})
    answer = stub.CheckConfig(pb.CheckRequest(news=news))
    assert [each.property for each in answer.failures] == ["palce", "place"]
    assert decode(answer.inputs)[0]["many"] == '[{"a": 1}]'
    with pytest.raises(grpc.RpcError, match="no such place"):
        stub.Configure(pb.ConfigureRequest(args=encode({"place": "nowhere"})))


def test_a_changed_configuration_replaces_nothing(
    stub: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    request = pb.DiffRequest(olds=encode({"place": "a"}), news=encode({"place": "b"}))
    answer = stub.DiffConfig(request)
    assert list(answer.diffs) == ["place"]
    assert list(answer.replaces) == []


def test_each_connection_needs_its_own_configuration(
    stub: provider_pb2_grpc.ResourceProviderStub, port: int
) -> None:
    _create(stub, {"name": "a"})
    other_channel = grpc.insecure_channel(
        f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)]
    )
    with other_channel:
        other = provider_pb2_grpc.ResourceProviderStub(other_channel)
        with pytest.raises(grpc.RpcError, match="was not configured"):
            _create(other, {"name": "b"})
        other.Configure(pb.ConfigureRequest(args=encode({"place": "there"})))
        assert not other.Read(pb.ReadRequest(urn=_URN, id="a")).id
        # Equal configurations share a context, here the things themselves.
        other.Configure(pb.ConfigureRequest(args=encode({"place": "here"})))
        assert other.Read(pb.ReadRequest(urn=_URN, id="a")).id == "a"


def test_operations_are_logged_without_their_inputs(
    stub: provider_pb2_grpc.ResourceProviderStub, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        stub.Check(pb.CheckRequest(urn=_URN, news=encode({"name": "hunter2"}, {"name"})))
        _create(stub, {"name": "hunter2"})
    assert "test:index/thing:Thing::one create ok" in caplog.text
    assert "hunter2" not in caplog.text


def test_structs_without_fields_are_empty() -> None:
    assert decode(struct_pb2.Struct()) == ({}, frozenset())
