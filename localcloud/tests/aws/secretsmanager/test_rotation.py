import asyncio
import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from aws.secretsmanager.service import FUNCTION, START, Service
from localcloud.aws.functions import Source
from localcloud.aws.protocol import ApiError

STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]
END_OF_DAY = dt.timedelta(hours=23, minutes=59, seconds=59)


def end_of_day(days: int) -> float:
    midnight = START.replace(hour=0, minute=0) + dt.timedelta(days=days)
    return (midnight + END_OF_DAY).timestamp()


@pytest.fixture
def service() -> Service:
    return Service()


async def test_a_rotation_calls_the_function_for_each_step(service: Service) -> None:
    arn = await service.create()
    token = await service.start(arn)
    assert (await service.stages(arn))[token] == ["AWSPENDING"]
    await service.settle()
    assert service.functions.steps == STEPS
    for event in service.functions.events:
        assert event.keys() == {"Step", "SecretId", "ClientRequestToken", "RotationToken"}
        assert (event["SecretId"], event["ClientRequestToken"]) == (arn, token)
    assert set(service.functions.sources) == {
        Source(service="secretsmanager.amazonaws.com", arn=arn)
    }
    assert await service.current(arn) == f"made for {token}"
    # Secrets Manager removes AWSPENDING itself; the function left it.
    assert sorted((await service.stages(arn)).values()) == [["AWSCURRENT"], ["AWSPREVIOUS"]]


async def test_the_new_version_is_empty_until_the_function_fills_it(service: Service) -> None:
    arn = await service.create()
    errors = []

    async def look(event: Mapping[str, Any]) -> str | None:
        if event["Step"] == "createSecret":
            for where in (
                {"VersionStage": "AWSPENDING"},
                {"VersionId": event["ClientRequestToken"]},
            ):
                with pytest.raises(ApiError) as error:
                    await service.call("GetSecretValue", SecretId=arn, **where)
                errors.append(error.value.code)
        return await service.rotate(event)

    service.functions.do = look
    await service.start(arn)
    await service.settle()
    assert errors == ["ResourceNotFoundException", "ResourceNotFoundException"]


async def test_a_rotation_needs_a_function(service: Service) -> None:
    arn = await service.create()
    with pytest.raises(ApiError, match="No Lambda rotation function ARN") as error:
        await service.start(arn, RotationLambdaARN="")
    assert error.value.code == "InvalidRequestException"


async def test_a_function_that_may_not_be_invoked_changes_nothing(service: Service) -> None:
    arn = await service.create()
    before = await service.call("DescribeSecret", SecretId=arn)
    service.functions.allowed = False
    with pytest.raises(ApiError, match="policy grants access to the principal") as error:
        await service.start(arn)
    assert error.value.code == "AccessDeniedException"
    assert await service.call("DescribeSecret", SecretId=arn) == before


async def test_a_deleted_secret_is_not_rotated(service: Service) -> None:
    arn = await service.create()
    await service.call("DeleteSecret", SecretId=arn)
    with pytest.raises(ApiError, match="marked for deletion"):
        await service.start(arn)


async def test_the_token_of_another_version_is_refused(service: Service) -> None:
    arn = await service.create()
    [existing] = await service.stages(arn)
    with pytest.raises(ApiError, match="already in use") as error:
        await service.start(arn, ClientRequestToken=existing)
    assert error.value.code == "InvalidParameterException"


async def test_a_second_rotation_is_refused_but_a_repeated_request_is_not(
    service: Service,
) -> None:
    arn = await service.create()
    proceed = asyncio.Event()

    async def wait(event: Mapping[str, Any]) -> str | None:
        await proceed.wait()
        return await service.rotate(event)

    service.functions.do = wait
    token = await service.start(arn)
    with pytest.raises(ApiError, match="A previous rotation isn't complete") as error:
        await service.start(arn)
    assert error.value.code == "InvalidRequestException"
    await service.start(arn, ClientRequestToken=token)
    proceed.set()
    await service.settle()
    assert service.functions.steps == STEPS


async def test_a_rotation_that_has_moved_the_labels_still_runs(service: Service) -> None:
    arn = await service.create()
    refused = []

    async def rotate_again_at_the_end(event: Mapping[str, Any]) -> str | None:
        result = await service.rotate(event)
        if event["Step"] == "finishSecret":
            with pytest.raises(ApiError) as error:
                await service.start(arn)
            refused.append(error.value.message)
        return result

    service.functions.do = rotate_again_at_the_end
    token = await service.start(arn)
    await service.settle()
    assert [message.partition(".")[0] for message in refused] == [
        "A previous rotation isn't complete"
    ]
    assert (await service.stages(arn))[token] == ["AWSCURRENT"]


@pytest.mark.parametrize("step", STEPS)
async def test_a_failed_step_ends_the_attempt_and_leaves_the_pending_version(
    service: Service, step: str
) -> None:
    arn = await service.create()
    service.fails = {step}
    token = await service.start(arn)
    await service.settle()
    assert service.functions.steps == 3 * STEPS[: STEPS.index(step) + 1]
    assert service.pauses == [7, 7]
    assert (await service.stages(arn))[token] == ["AWSPENDING"]
    assert await service.current(arn) == "first"
    described = await service.call("DescribeSecret", SecretId=arn)
    assert "LastRotatedDate" not in described
    with pytest.raises(ApiError, match="A previous rotation isn't complete"):
        await service.start(arn)


async def test_the_whole_rotation_is_attempted_again_for_the_same_version(
    service: Service,
) -> None:
    arn = await service.create()
    service.fails = {"setSecret"}

    async def fail_once(event: Mapping[str, Any]) -> str | None:
        result = await service.rotate(event)
        if result is not None:
            service.fails = set()
        return result

    service.functions.do = fail_once
    token = await service.start(arn)
    await service.settle()
    assert service.functions.steps == [*STEPS[:2], *STEPS]
    assert {event["ClientRequestToken"] for event in service.functions.events} == {token}
    assert await service.current(arn) == f"made for {token}"


async def test_a_failure_after_the_labels_moved_is_attempted_again(service: Service) -> None:
    arn = await service.create()
    failures = ["died after its last call"]

    async def fail_at_the_end(event: Mapping[str, Any]) -> str | None:
        result = await service.rotate(event)
        return failures.pop() if event["Step"] == "finishSecret" and failures else result

    service.functions.do = fail_at_the_end
    token = await service.start(arn)
    await service.settle()
    assert service.functions.steps == 2 * STEPS
    assert (await service.stages(arn))[token] == ["AWSCURRENT"]


async def test_a_failure_after_the_pending_label_was_removed_is_attempted_again(
    service: Service,
) -> None:
    arn = await service.create()

    async def remove_and_fail(event: Mapping[str, Any]) -> str | None:
        token = event["ClientRequestToken"]
        if "AWSCURRENT" in (await service.stages(arn))[token]:
            return None
        result = await service.rotate(event)
        if event["Step"] != "finishSecret":
            return result
        await service.call(
            "UpdateSecretVersionStage",
            SecretId=arn,
            VersionStage="AWSPENDING",
            RemoveFromVersionId=token,
        )
        return "died after its last call"

    service.functions.do = remove_and_fail
    await service.start(arn)
    await service.settle()
    assert service.functions.steps == 2 * STEPS
    described = await service.call("DescribeSecret", SecretId=arn)
    assert described["LastRotatedDate"] == service.clock.now


async def test_a_function_that_moves_no_label_has_not_rotated(service: Service) -> None:
    arn = await service.create()

    async def do_nothing(event: Mapping[str, Any]) -> None:
        assert event["SecretId"] == arn

    service.functions.do = do_nothing
    token = await service.start(arn)
    await service.settle()
    assert service.functions.steps == 3 * STEPS
    assert (await service.stages(arn))[token] == ["AWSPENDING"]


async def test_a_version_that_loses_its_label_is_not_attempted_again(service: Service) -> None:
    arn = await service.create()

    async def give_up(event: Mapping[str, Any]) -> str:
        await service.call(
            "UpdateSecretVersionStage",
            SecretId=arn,
            VersionStage="AWSPENDING",
            RemoveFromVersionId=event["ClientRequestToken"],
        )
        return "failed"

    service.functions.do = give_up
    await service.start(arn)
    await service.settle()
    assert service.functions.steps == ["createSecret"]
    service.functions.do = service.rotate
    token = await service.start(arn)
    await service.settle()
    assert await service.current(arn) == f"made for {token}"


async def test_without_an_immediate_rotation_a_passing_version_is_tested(
    service: Service,
) -> None:
    arn = await service.create()
    before = await service.stages(arn)
    await service.start(arn, RotateImmediately=False)
    pending = await service.call("GetSecretValue", SecretId=arn, VersionStage="AWSPENDING")
    assert pending["SecretString"] == "first"
    assert pending["VersionStages"] == ["AWSPENDING"]
    await service.settle()
    [event] = service.functions.events
    assert (event["Step"], event["ClientRequestToken"]) == ("testSecret", pending["VersionId"])
    assert await service.stages(arn) == before
    described = await service.call("DescribeSecret", SecretId=arn)
    assert described["RotationEnabled"] is True
    assert "LastRotatedDate" not in described
    assert described["NextRotationDate"] == end_of_day(2)


async def test_a_failed_test_leaves_nothing(service: Service) -> None:
    arn = await service.create()
    before = await service.stages(arn)
    service.fails = {"testSecret"}
    await service.start(arn, RotateImmediately=False)
    await service.settle()
    assert service.functions.steps == ["testSecret"]
    assert await service.stages(arn) == before


async def test_a_rotation_starts_when_its_window_opens(service: Service) -> None:
    arn = await service.create()
    await service.start(arn, RotateImmediately=False)
    await service.settle()
    service.functions.events.clear()
    service.clock.advance(days=1, hours=13, minutes=29)
    await service.rotations.start_due()
    assert service.rotations.running(arn) is None
    service.clock.advance(minutes=1)
    await service.rotations.start_due()
    await service.rotations.start_due()
    await service.settle()
    assert service.functions.steps == STEPS
    described = await service.call("DescribeSecret", SecretId=arn)
    assert described["LastRotatedDate"] == service.clock.now
    assert described["NextRotationDate"] == end_of_day(4)


async def test_a_secret_that_is_to_be_deleted_is_not_rotated_on_schedule(
    service: Service,
) -> None:
    arn = await service.create()
    await service.start(arn, RotateImmediately=False)
    await service.settle()
    await service.call("DeleteSecret", SecretId=arn)
    service.clock.advance(days=3)
    await service.rotations.start_due()
    assert service.rotations.running(arn) is None
    await service.call("RestoreSecret", SecretId=arn)
    await service.rotations.start_due()
    assert service.rotations.running(arn) is not None
    await service.settle()


async def test_a_failed_scheduled_rotation_is_continued_in_the_next_window(
    service: Service,
) -> None:
    arn = await service.create()
    await service.start(arn, RotateImmediately=False)
    await service.settle()
    service.functions.events.clear()
    service.fails = {"testSecret"}
    service.clock.advance(days=2)
    await service.rotations.start_due()
    await service.settle()
    await service.rotations.start_due()
    assert service.rotations.running(arn) is None
    described = await service.call("DescribeSecret", SecretId=arn)
    assert described["NextRotationDate"] == end_of_day(2)
    [pending] = {event["ClientRequestToken"] for event in service.functions.events}
    service.fails = set()
    service.clock.advance(days=2)
    await service.rotations.start_due()
    await service.settle()
    assert await service.current(arn) == f"made for {pending}"


async def test_a_value_put_by_hand_counts_as_a_rotation(service: Service) -> None:
    arn = await service.create()
    await service.start(arn, RotateImmediately=False)
    await service.settle()
    service.clock.advance(days=1)
    await service.call(
        "PutSecretValue",
        SecretId=arn,
        SecretString="by hand",
        ClientRequestToken=str(uuid.uuid4()),
    )
    described = await service.call("DescribeSecret", SecretId=arn)
    assert described["NextRotationDate"] == end_of_day(3)


async def test_a_cancelled_rotation_keeps_its_settings_and_no_dates(service: Service) -> None:
    arn = await service.create()
    await service.start(arn)
    await service.settle()
    assert (await service.call("CancelRotateSecret", SecretId=arn))["VersionId"] is None
    described = await service.call("DescribeSecret", SecretId=arn)
    assert described["RotationEnabled"] is False
    assert described["RotationLambdaARN"] == FUNCTION
    assert described["RotationRules"] == {"AutomaticallyAfterDays": 2}
    assert not {"LastRotatedDate", "NextRotationDate"} & described.keys()
    service.functions.events.clear()
    service.clock.advance(days=10)
    await service.rotations.start_due()
    assert service.rotations.running(arn) is None
    await service.call("RotateSecret", SecretId=arn, ClientRequestToken=str(uuid.uuid4()))
    await service.settle()
    assert service.functions.steps == STEPS


async def test_a_value_put_after_the_rotation_was_cancelled_schedules_nothing(
    service: Service,
) -> None:
    arn = await service.create()
    await service.start(arn)
    await service.settle()
    await service.call("CancelRotateSecret", SecretId=arn)
    token = str(uuid.uuid4())
    await service.call(
        "PutSecretValue", SecretId=arn, SecretString="by hand", ClientRequestToken=token
    )
    assert "NextRotationDate" not in await service.call("DescribeSecret", SecretId=arn)


async def test_changed_rules_keep_the_date_of_the_last_rotation(service: Service) -> None:
    arn = await service.create()
    await service.start(arn)
    await service.settle()
    service.clock.advance(hours=1)
    await service.start(arn, RotateImmediately=False, RotationRules={"AutomaticallyAfterDays": 30})
    await service.settle()
    described = await service.call("DescribeSecret", SecretId=arn)
    assert described["LastRotatedDate"] == START.timestamp()
    assert described["NextRotationDate"] == end_of_day(30)


async def test_cancelling_stops_a_running_rotation_and_names_its_version(
    service: Service,
) -> None:
    arn = await service.create()
    cancelled = []

    async def cancel(event: Mapping[str, Any]) -> str | None:
        result = await service.rotate(event)
        if event["Step"] == "createSecret":
            cancelled.append(await service.call("CancelRotateSecret", SecretId=arn))
        return result

    service.functions.do = cancel
    token = await service.start(arn)
    await service.settle()
    assert service.functions.steps == ["createSecret"]
    assert [each["VersionId"] for each in cancelled] == [token]
    assert (await service.stages(arn))[token] == ["AWSPENDING"]


async def test_a_secret_deleted_while_it_rotates_ends_the_rotation(service: Service) -> None:
    arn = await service.create()

    async def delete(event: Mapping[str, Any]) -> None:
        await service.call(
            "DeleteSecret", SecretId=event["SecretId"], ForceDeleteWithoutRecovery=True
        )

    service.functions.do = delete
    await service.start(arn)
    await service.settle()
    assert service.functions.steps == ["createSecret"]


async def test_a_rotation_can_be_made_due(service: Service) -> None:
    arn = await service.create()
    with pytest.raises(ApiError, match="isn't rotated"):
        await service.api.make_rotation_due({"SecretId": arn})
    await service.start(arn, RotateImmediately=False)
    await service.settle()
    await service.api.make_rotation_due({"SecretId": arn})
    await service.rotations.start_due()
    await service.settle()
    assert (await service.current(arn)).startswith("made for")
