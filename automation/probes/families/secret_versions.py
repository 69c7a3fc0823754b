"""Probes of Secrets Manager's secrets, their versions and staging labels."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from automation.cost.prices import SECRET as SECRET_PRICE
from automation.probes.families.sources import DOC_SECRETS, REPORT, doc, model
from automation.probes.kinds import SECRET
from automation.probes.observations import ACCEPTED, REFUSED, Observation
from automation.probes.probe import Family
from automation.probes.sandbox import Sandbox

HOURS_A_MONTH: Final = 730
SECRET_COST: Final = SECRET_PRICE.usd / HOURS_A_MONTH
"""Of a secret for an hour, in US dollars."""
SECRET_VERSIONS: Final = Family("secretsmanager")
_MOST_LABELS: Final = 20


def secret(box: Sandbox, value: str | None = "first") -> str:
    """Create a secret, and return its ARN.

    Args:
        value: its value; None for none.
    """
    box.owns(SECRET, box.name)
    given = {} if value is None else {"SecretString": value}
    created = box.client("secretsmanager").create_secret(Name=box.name, Tags=box.tags, **given)
    return str(created["ARN"])


def put(box: Sandbox, value: str, **parameters: Any) -> str:  # noqa: ANN401 - boto3's
    """Put a value, and return its version's id."""
    answer = box.client("secretsmanager").put_secret_value(
        SecretId=box.name, SecretString=value, **{"ClientRequestToken": _token(), **parameters}
    )
    return str(answer["VersionId"])


def stages(box: Sandbox) -> dict[str, list[str]]:
    """Return the staging labels by version."""
    found = box.client("secretsmanager").describe_secret(SecretId=box.name)
    return {
        version: sorted(labels) for version, labels in found.get("VersionIdsToStages", {}).items()
    }


def _token() -> str:
    return str(uuid.uuid4())


def _labels(found: Mapping[str, Sequence[str]], **versions: str) -> dict[str, list[str]]:
    return {name: list(found.get(version, [])) for name, version in versions.items()}


def _move(box: Sandbox, label: str, **versions: str) -> str:
    return box.outcome(
        lambda: box.client("secretsmanager").update_secret_version_stage(
            SecretId=box.name, VersionStage=label, **versions
        )
    )


@SECRET_VERSIONS.probe(
    "secret-first-version",
    rows=["First version of a secret", "Secret created without a value"],
    documented={
        "versions without a value": 0,
        "value": "ResourceNotFoundException",
        "labels of the first": ["AWSCURRENT", "probe"],
    },
    source=f"{model('secretsmanager')}; {REPORT}",
    cost=SECRET_COST,
)
def _first_version(box: Sandbox) -> Observation:
    """Which labels does the first version of a secret get?"""
    secret(box, None)
    versions = len(stages(box))
    value = box.outcome(lambda: box.client("secretsmanager").get_secret_value(SecretId=box.name))
    first = put(box, "first", VersionStages=["probe"])
    return {
        "versions without a value": versions,
        "value": value,
        "labels of the first": stages(box)[first],
    }


@SECRET_VERSIONS.probe(
    "secret-version-put-twice",
    rows=["PutSecretValue with a token that a version has"],
    documented={
        "same value": ACCEPTED,
        "other value": "ResourceExistsException",
        "versions": 2,
    },
    source=model("secretsmanager"),
    cost=SECRET_COST,
)
def _version_put_twice(box: Sandbox) -> Observation:
    """What does PutSecretValue do with a token that a version has?"""
    secret(box)
    token = _token()
    put(box, "second", ClientRequestToken=token)
    return {
        "same value": box.outcome(lambda: put(box, "second", ClientRequestToken=token)),
        "other value": box.outcome(lambda: put(box, "third", ClientRequestToken=token)),
        "versions": len(stages(box)),
    }


@SECRET_VERSIONS.probe(
    "secret-labels-limit",
    rows=["Staging labels"],
    documented={"20 labels": ACCEPTED, "21 labels": "LimitExceededException"},
    source=doc(f"{DOC_SECRETS}/userguide/reference_limits.html"),
    cost=SECRET_COST,
)
def _labels_limit(box: Sandbox) -> Observation:
    """How is a staging label refused that is one too many?"""
    secret(box)
    # AWSCURRENT is one, and AWSPREVIOUS would be another.
    labels = [f"label-{number}" for number in range(_MOST_LABELS - 1)]
    return {
        "20 labels": box.outcome(lambda: put(box, "second", VersionStages=labels)),
        "21 labels": box.outcome(lambda: put(box, "third", VersionStages=["one-more"])),
    }


@SECRET_VERSIONS.probe(
    "secret-label-moves",
    rows=[
        "Label that another version has",
        "AWSCURRENT moved to another version",
        "AWSCURRENT removed",
    ],
    documented={
        "without the version that has it": "InvalidParameterException",
        "from a version that doesn't have it": "InvalidParameterException",
        "AWSCURRENT removed": REFUSED,
        "moved": ACCEPTED,
        "labels of the old": ["AWSPREVIOUS"],
        "labels of the new": ["AWSCURRENT", "AWSPENDING"],
    },
    source=f"{model('secretsmanager')}; {REPORT}",
    cost=SECRET_COST,
)
def _label_moves(box: Sandbox) -> Observation:
    """Which moves of a staging label are refused, and what follows AWSCURRENT?"""
    secret(box)
    [old] = stages(box)
    new = put(box, "second", VersionStages=["AWSPENDING"])
    current = "AWSCURRENT"
    seen = {
        "without the version that has it": _move(box, current, MoveToVersionId=new),
        "from a version that doesn't have it": _move(
            box, current, MoveToVersionId=new, RemoveFromVersionId=new
        ),
        "AWSCURRENT removed": _move(box, current, RemoveFromVersionId=old),
        "moved": _move(box, current, MoveToVersionId=new, RemoveFromVersionId=old),
    }
    labels = _labels(stages(box), old=old, new=new)
    return {**seen, **{f"labels of the {name}": each for name, each in labels.items()}}


@SECRET_VERSIONS.probe(
    "secret-deprecated-versions",
    rows=["Version without labels"],
    documented={"listed": 2, "listed with deprecated": 3, "value of the deprecated": ACCEPTED},
    source=model("secretsmanager"),
    cost=SECRET_COST,
)
def _deprecated_versions(box: Sandbox) -> Observation:
    """Is a version without staging labels listed, and can it be read?"""
    secret(box)
    [first] = stages(box)
    put(box, "second")
    put(box, "third")
    client = box.client("secretsmanager")

    def listed(**parameters: bool) -> int:
        return len(client.list_secret_version_ids(SecretId=box.name, **parameters)["Versions"])

    return {
        "listed": listed(),
        "listed with deprecated": listed(IncludeDeprecated=True),
        "value of the deprecated": box.outcome(
            lambda: client.get_secret_value(SecretId=box.name, VersionId=first)
        ),
    }


@SECRET_VERSIONS.probe(
    "secret-deletion",
    rows=["Secret that is scheduled for deletion"],
    documented={
        "value": "InvalidRequestException",
        "new value": "InvalidRequestException",
        "name": "InvalidRequestException",
        "7 days are the least": "InvalidParameterException",
        "restored": ACCEPTED,
        "value after it": ACCEPTED,
    },
    source=doc(f"{DOC_SECRETS}/userguide/manage_delete-secret.html"),
    cost=SECRET_COST,
)
def _deletion(box: Sandbox) -> Observation:
    """What is refused of a secret that is scheduled for deletion, until it is restored?"""
    secret(box)
    client = box.client("secretsmanager")
    least = box.outcome(lambda: client.delete_secret(SecretId=box.name, RecoveryWindowInDays=6))
    client.delete_secret(SecretId=box.name, RecoveryWindowInDays=7)
    return {
        "value": box.outcome(lambda: client.get_secret_value(SecretId=box.name)),
        "new value": box.outcome(lambda: put(box, "second")),
        "name": box.outcome(lambda: client.create_secret(Name=box.name, SecretString="x")),
        "7 days are the least": least,
        "restored": box.outcome(lambda: client.restore_secret(SecretId=box.name)),
        "value after it": box.outcome(lambda: client.get_secret_value(SecretId=box.name)),
    }
