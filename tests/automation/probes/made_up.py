"""A probe and surroundings for tests without AWS."""

import ssl
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import httpx2
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError

from automation.probes.kinds import Kind
from automation.probes.observations import Observation
from automation.probes.probe import Probe
from automation.probes.sandbox import Sandbox, Surroundings

AWS_URL = "https://sts.us-east-1.amazonaws.com"


def make_probe(
    run: Callable[[Sandbox], Observation],
    documented: Observation | None = None,
    *,
    key: str = "example",
    differs: Sequence[str] = (),
) -> Probe:
    return Probe(
        key=key,
        question="Is it so?",
        rows=("A behavior",),
        documented=documented or {"answer": "yes"},
        source="a page",
        services=("sts",),
        seconds=1,
        cost=Decimal(0),
        differs=frozenset(differs),
        run=run,
    )


def make_surroundings(
    url: str = AWS_URL,
    clients: Mapping[str, Any] | None = None,
    **changes: Any,  # noqa: ANN401 - members of Surroundings
) -> Surroundings:
    """Make surroundings in which no time passes unless a test says so."""
    sts = SimpleNamespace(meta=SimpleNamespace(endpoint_url=url))
    available = {"sts": sts, **(clients or {})}
    settings: dict[str, Any] = {
        "clients": available.__getitem__,
        "region": "us-east-1",
        "token_base": lambda prefix: f"https://{prefix}.example",
        "http": httpx2.Client(transport=httpx2.MockTransport(lambda _: httpx2.Response(404))),
        "tls": ssl.create_default_context(),
        "credentials": ReadOnlyCredentials("AKIAEXAMPLE", "secret", None),
        "sleep": lambda _: None,
    }
    return Surroundings(**{**settings, **changes})


def error(code: str, message: str = "No.") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


def kind(title: str, removed: list[str], failures: Mapping[str, str] | None = None) -> Kind:
    """Make a kind of resource whose removals are recorded.

    Args:
        failures: the error code of a removal, by the resource's id.
    """

    def delete(_client: object, resource: str) -> None:
        if code := (failures or {}).get(resource):
            raise error(code)
        removed.append(resource)

    return Kind(title=title, service="sts", find=lambda _: removed, delete=delete)
