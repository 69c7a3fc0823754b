"""Lambda with one function, its versions and its alias."""

import copy
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

NAME = "neo4j-mcp-dev-function"


@dataclass
class FakeLambda:
    """The operations that lead callers to a version, as a client of boto3 has them.

    Attributes:
        versions: each version's configuration.
        alias: the version that callers reach; empty without an alias.
        led_to: the versions that the alias was moved to.
        paused: the seconds of each pause.
    """

    versions: dict[str, dict[str, Any]] = field(default_factory=dict)
    alias: str = "1"
    led_to: list[str] = field(default_factory=list)
    paused: list[float] = field(default_factory=list)
    next_version: int = 2

    def __post_init__(self) -> None:
        described = {
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "LastModified": "2026-11-27T00:00:00.000+0000",
            "CodeSha256": "hash",
            "Description": "the server",
            "Environment": {"Variables": {"LEVEL": "info"}},
        }
        self.versions = {"$LATEST": described, "1": copy.deepcopy(described)}

    def get_alias(self, *, FunctionName: str, Name: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        assert (FunctionName, Name) == (NAME, "live")
        if not self.alias:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetAlias")
        return {"FunctionVersion": self.alias}

    def get_function_configuration(
        self,
        *,
        FunctionName: str,  # noqa: N803 - boto3's
        Qualifier: str = "$LATEST",  # noqa: N803 - boto3's
    ) -> dict[str, Any]:
        assert FunctionName == NAME
        return self.versions[Qualifier]

    def update_function_configuration(self, *, FunctionName: str, Description: str) -> None:  # noqa: N803 - boto3's
        assert FunctionName == NAME
        self.versions["$LATEST"]["Description"] = Description

    def publish_version(self, *, FunctionName: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        assert FunctionName == NAME
        latest = self.versions["$LATEST"]
        same = [number for number, each in self.versions.items() if each == latest]
        if len(same) > 1:
            return {"Version": same[-1]}
        version = str(self.next_version)
        self.next_version += 1
        self.versions[version] = copy.deepcopy(latest)
        return {"Version": version}

    def update_alias(self, *, FunctionName: str, Name: str, FunctionVersion: str) -> None:  # noqa: N803 - boto3's
        assert (FunctionName, Name) == (NAME, "live")
        assert FunctionVersion in self.versions
        self.alias = FunctionVersion
        self.led_to.append(FunctionVersion)

    def delete_function(self, *, FunctionName: str, Qualifier: str) -> None:  # noqa: N803 - boto3's
        assert FunctionName == NAME
        assert self.alias != Qualifier
        del self.versions[Qualifier]
