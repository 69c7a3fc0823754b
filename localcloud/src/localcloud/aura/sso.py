"""The single sign-on settings that users enter in the Aura console."""

import re
from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.alias_generators import to_camel

from localcloud.aura.roles import UNSUPPORTED_ROLES, Role
from localcloud.errors import LocalCloudError
from localcloud.files import write_atomically

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_MAPPING: Final = re.compile(r'\s*"(?P<group>[^"]+)"\s*=\s*(?P<roles>[^;"=]+?)\s*')
_STEM: Final = "sso"
_ROLES: Final = {role.role_name: role for role in Role}


class SsoSettings(BaseModel):
    """One OIDC provider, in the format of the stack's output `auraSso`.

    Source: Neo4j's operations manual, settings dbms.security.oidc.*.

    Attributes:
        discovery_uri: the provider's discovery document.
        audience: the accepted values of the claim `aud`.
        username_claim: the claim that names the user.
        groups_claim: the claim with the user's groups, a list or a single name.
        group_to_role_mapping: `"group1"=role1;"group2"=role2,role3`.
        visible: whether a login page offers the provider; machines don't need it.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )

    discovery_uri: str
    audience: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]
    username_claim: Annotated[str, Field(min_length=1)] = "sub"
    groups_claim: Annotated[str, Field(min_length=1)]
    group_to_role_mapping: str
    visible: bool = False

    @field_validator("discovery_uri")
    @classmethod
    def _check_uri(cls, uri: str) -> str:
        if not is_fetchable(uri):
            raise ValueError(
                "must be an https URL (http is accepted for this machine only) "
                "without credentials or fragment"
            )
        return uri

    @field_validator("group_to_role_mapping")
    @classmethod
    def _check_mapping(cls, mapping: str) -> str:
        parse_mapping(mapping)
        return mapping

    @property
    def roles_by_group(self) -> dict[str, frozenset[Role]]:
        """The mapping, parsed."""
        return parse_mapping(self.group_to_role_mapping)

    @classmethod
    def parse(cls, document: bytes | str) -> Self:
        """Parse settings in JSON.

        Raises:
            SsoSettingsError: the settings are invalid; it lists all problems.
        """
        try:
            return cls.model_validate_json(document)
        except ValidationError as error:
            raise SsoSettingsError(
                [
                    f"{'.'.join(map(str, problem['loc'])) or 'settings'}: "
                    f"{problem['msg'].removeprefix('Value error, ')}"
                    for problem in error.errors(include_url=False, include_input=False)
                ]
            ) from None


class SsoSettingsError(LocalCloudError, ValueError):
    """The settings are invalid.

    Attributes:
        problems: all problems, each with the setting's name.
    """

    def __init__(self, problems: list[str]) -> None:
        """Create the error from all problems."""
        super().__init__("; ".join(problems))
        self.problems = problems


def parse_mapping(mapping: str) -> dict[str, frozenset[Role]]:
    """Parse a mapping of groups to roles: `"group1"=role1;"group2"=role2,role3`.

    Raises:
        ValueError: the mapping is malformed, or contains a role that this stand-in doesn't have.
    """
    result: dict[str, frozenset[Role]] = {}
    problems = []
    for entry in (entry for entry in mapping.split(";") if entry.strip()):
        match = _MAPPING.fullmatch(entry)
        if match is None:
            problems.append(f'{entry.strip()!r} is not of the form "group"=role1,role2')
            continue
        names = [name.strip() for name in match["roles"].split(",")]
        problems += [_unavailable_role(name) for name in names if name not in _ROLES]
        if match["group"] in result:
            problems.append(f"group {match['group']!r} is mapped twice")
        result[match["group"]] = frozenset(_ROLES[name] for name in names if name in _ROLES)
    if not result and not problems:
        problems.append("maps no group")
    if problems:
        raise ValueError("; ".join(problems))
    return result


def is_fetchable(uri: str) -> bool:
    """Return whether a provider's documents may be fetched from a URI.

    It must be https, or http on this machine, without credentials and fragment.
    """
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)


class SsoStore:
    """Stores the settings of each provider in a file."""

    def __init__(self, folder: Path) -> None:
        """Open a store; the folder need not exist."""
        self._folder = folder

    def load(self) -> dict[str, SsoSettings]:
        """Return the settings by the providers' names; the first provider's name is empty.

        Raises:
            SsoSettingsError: a file is damaged.
        """
        paths = [*self._folder.glob(f"{_STEM}.json"), *sorted(self._folder.glob(f"{_STEM}-*.json"))]
        return {
            path.stem.removeprefix(_STEM).removeprefix("-"): SsoSettings.parse(path.read_bytes())
            for path in paths
        }

    def save(self, name: str, settings: SsoSettings | None) -> None:
        """Write a provider's settings; None deletes them.

        Args:
            name: the provider's name; empty for the first one.

        Raises:
            OSError: the file can't be written.
        """
        path = self._folder / f"{_STEM}{f'-{name}' if name else ''}.json"
        if settings is None:
            path.unlink(missing_ok=True)
            return
        write_atomically(path, settings.model_dump_json(by_alias=True))


def _unavailable_role(name: str) -> str:
    why = (
        "Neo4j Community can't enforce it"
        if name in UNSUPPORTED_ROLES
        else "it is not a built-in role"
    )
    return f"role {name!r} is not available ({why}): use one of {', '.join(_ROLES)}"
