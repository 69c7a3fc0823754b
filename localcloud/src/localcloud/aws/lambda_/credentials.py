"""The credentials of functions: sessions of their execution roles.

ministack hands its own key to every function, so all of them would be the account's root user.
Their permissions aren't checked here, but CloudTrail records who they are.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Final

from localcloud.access_key import AccessKey

_LONGEST_SESSION_NAME: Final = 64


class RoleSessions:
    """One session for each function and role."""

    def __init__(self, sts: Any) -> None:  # noqa: ANN401 - a module without types
        """Register sessions with ministack's STS.

        Args:
            sts: the module ministack.services.sts.
        """
        self._sts = sts
        self._issued: dict[tuple[str, str], dict[str, str]] = {}

    def credentials(self, config: Mapping[str, Any]) -> dict[str, str]:
        """Return the environment variables with a function's credentials.

        Args:
            config: the function's configuration.
        """
        name, role = str(config["FunctionName"]), str(config["Role"])
        if (name, role) not in self._issued:
            self._issued[name, role] = self._issue(name, role)
        return self._issued[name, role]

    def _issue(self, name: str, role: str) -> dict[str, str]:
        account, role_name = role.split(":")[4], role.rpartition("/")[2]
        session, token = name[:_LONGEST_SESSION_NAME], secrets.token_urlsafe(48)
        generated = AccessKey.generate()
        key_id = f"ASIA{generated.key_id.removeprefix('AKIA')}"
        self._sts.register_session(
            key_id,
            {
                "Arn": f"arn:aws:sts::{account}:assumed-role/{role_name}/{session}",
                "UserId": f"{role_name}:{session}",
                "SecretAccessKey": generated.secret,
                "SessionToken": token,
            },
        )
        return {
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": generated.secret,
            "AWS_SESSION_TOKEN": token,
        }


def use_execution_roles(service: Any, runtime: Any, sts: Any) -> None:  # noqa: ANN401 - modules without types
    """Hand functions the credentials of their roles.

    Args:
        service: the module ministack.services.lambda_svc.
        runtime: the module ministack.core.lambda_runtime.
        sts: the module ministack.services.sts.
    """
    sessions = RoleSessions(sts)
    service.execution_credentials = runtime.execution_credentials = sessions.credentials
