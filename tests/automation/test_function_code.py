"""Functions with code that was changed on Lambda."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from automation.deployment import DeploymentError, Step
from automation.function_code import deployed_code, restore_code
from components.function_code import (
    canary_package,
    claims_package,
    code_sha256,
    log_package,
    rotation_package,
)
from components.names import ResourceNames

NAMES = ResourceNames(prefix="neo4j-mcp", stack="dev")
CLAIMS = "neo4j-mcp-dev-claims"


def _step(operation: str, *properties: str, name: str = CLAIMS, kind: str = "function") -> Step:
    return Step(
        urn="urn:pulumi:dev::p::x::claims-function",
        type=f"aws:lambda/{kind}:{kind.title()}",
        operation=operation,
        inputs={"name": name},
        properties=properties,
    )


class _Lambda:
    """A function, of which an update ends after some looks."""

    def __init__(self, code: bytes, *, looks: int = 0, status: str = "Successful") -> None:
        self._code = code
        self._looks = looks
        self._status = status
        self.uploads: list[str] = []

    def __call__(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - AWS's own
        assert service == "lambda"
        if operation == "update_function_code":
            self.uploads.append(parameters["FunctionName"])
            self._code = parameters["ZipFile"]
        status = "Successful"
        if self.uploads:
            self._looks -= 1
            status = self._status if self._looks < 0 else "InProgress"
        return {"CodeSha256": code_sha256(self._code), "LastUpdateStatus": status}


def _unexpected(argument: object) -> None:
    pytest.fail(f"called with {argument}")


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (_step("same"), [CLAIMS]),
        (_step("update", "memorySize", "tags.Version"), [CLAIMS]),
        (_step("update", "code"), []),
        (_step("update", "code.path"), []),
        (_step("create"), []),
        (_step("replace", "name"), []),
        (_step("delete"), []),
        # The host deploys the server's function, and compares it itself.
        (_step("same", name="neo4j-mcp-dev-function"), []),
        (_step("same", kind="alias"), []),
    ],
)
def test_code_that_the_deployment_uploads_itself_is_left_to_it(
    step: Step, expected: list[str]
) -> None:
    assert [name for name, _ in deployed_code([step], NAMES)] == expected


def test_every_function_has_its_own_code() -> None:
    names = [NAMES.claims_function, NAMES.rotation_function]
    names += [NAMES.canary_function, NAMES.log_function]
    steps = [_step("same", name=name) for name in names]

    assert {name: pack() for name, pack in deployed_code(steps, NAMES)} == {
        NAMES.claims_function: claims_package(),
        NAMES.rotation_function: rotation_package(),
        NAMES.canary_function: canary_package(),
        NAMES.log_function: log_package(),
    }


def test_code_that_was_changed_is_uploaded_and_reported() -> None:
    lines: list[str] = []
    pauses: list[float] = []
    function = _Lambda(b"changed", looks=2)

    restored = restore_code([(CLAIMS, claims_package)], function, lines.append, pauses.append)

    assert restored == (CLAIMS,)
    assert function.uploads == [CLAIMS]
    assert lines == [f"… Restoring the code of {CLAIMS}, which was changed outside of the stack"]
    assert len(pauses) == 1


def test_code_that_is_as_deployed_stays() -> None:
    function = _Lambda(claims_package())

    restored = restore_code([(CLAIMS, claims_package)], function, _unexpected, _unexpected)

    assert restored == ()
    assert function.uploads == []


def test_code_that_lambda_refuses_is_an_error() -> None:
    function = _Lambda(b"changed", status="Failed")

    with pytest.raises(DeploymentError, match=f"The code of {CLAIMS} can't be restored: Failed"):
        restore_code([(CLAIMS, claims_package)], function, lambda _: None, _unexpected)


def test_a_function_that_was_deleted_is_reported() -> None:
    def aws(_service: str, operation: str, /, **_: object) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, operation)

    lines: list[str] = []
    restore_code([(CLAIMS, claims_package)], aws, lines.append, _unexpected)

    assert lines == [f"! There is no {CLAIMS} any more. Run pulumi refresh, then this again"]
