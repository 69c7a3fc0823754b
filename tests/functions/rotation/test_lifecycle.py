import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions.rotation.credentials import RotationError
from tests.functions.rotation.fakes import ARN
from tests.functions.rotation.scenarios import (
    OTHER_ADDRESSES,
    OTHER_CLIENT,
    deploy_earlier_version,
    replace_app_client,
)
from tests.functions.rotation.world import CLIENT, OVERLAP, STEPS, World


def current_client_secret_id(world: World) -> str:
    holder = world.manager.holder("AWSCURRENT")
    assert holder
    (label,) = [each for each in world.manager.versions[holder].stages if "cognito:" in each]
    return label.removeprefix("cognito:")


def stop_after(world: World, last: str) -> str:
    """Rotate up to a step, and return the version that is left as AWSPENDING."""
    token = world.manager.start_rotation()
    for step in STEPS[: STEPS.index(last) + 1]:
        world.step(step, token)
    return token


class TestPublish:
    def test_a_first_client_secret_is_one_that_no_state_knows(self, world: World) -> None:
        (original,) = world.cognito.values(CLIENT)

        result = world.publish()

        assert world.known == {world.current["clientSecret"]}
        assert original not in world.known
        assert world.current == {
            "clientId": CLIENT,
            "clientSecret": world.current["clientSecret"],
            "tokenUrl": "https://token.example/oauth2/token",
            "mcpUrl": "https://mcp.example/mcp",
            "scopes": ["neo4j-mcp/reader"],
        }
        assert result == {
            "message": "publish",
            "secret": ARN,
            "done": "published the client's first client secret",
            "clientSecretId": current_client_secret_id(world),
            "versionId": world.manager.holder("AWSCURRENT"),
            "tested": True,
        }
        world.require_one_client_secret()

    @pytest.mark.parametrize("rotations", [0, 1, 2])
    def test_publishing_again_reads_but_writes_nothing(self, world: World, rotations: int) -> None:
        world.publish()
        for _ in range(rotations):
            world.rotate()
            world.end_overlap()
        before = world.current
        world.calls.restart()

        assert world.publish()["done"] == "nothing has changed"

        assert world.current == before
        assert all(re.match("(list|get)_", each) for each in world.calls.made)

    @pytest.mark.parametrize(
        "change",
        [
            OTHER_ADDRESSES,
            {"tokenUrl": "https://other.example/token"},
            {"scopes": ["neo4j-mcp/reader", "neo4j-mcp/writer"]},
            {"scopes": []},
        ],
    )
    def test_other_addresses_keep_the_client_secret(
        self, world: World, change: dict[str, Any]
    ) -> None:
        world.publish()
        world.rotate()
        before, labels = world.current, set(world.manager.versions[_holder(world)].stages)

        world.publish(**change)

        assert world.current == before | change
        assert world.manager.versions[_holder(world)].stages == labels

    def test_a_replaced_app_client_gets_its_own_client_secret(self, world: World) -> None:
        world.publish()
        world.rotate()
        replace_app_client(world)
        del world.cognito.app_clients[CLIENT]

        world.publish(clientId=OTHER_CLIENT)

        assert world.current["clientId"] == OTHER_CLIENT
        assert world.known == {world.current["clientSecret"]}
        world.require_settled()

    def test_a_rotation_that_an_app_clients_replacement_overtakes_is_dropped(
        self, world: World
    ) -> None:
        world.publish()
        token = stop_after(world, "testSecret")
        replace_app_client(world)
        world.publish(clientId=OTHER_CLIENT)

        with pytest.raises(RotationError, match="cancelled"):
            world.step("finishSecret", token)

        assert world.manager.holder("AWSPENDING") is None
        assert world.current["clientId"] == OTHER_CLIENT
        world.rotate()
        world.require_settled()

    def test_moving_an_earlier_versions_stack_keeps_the_original_for_the_overlap(
        self, world: World
    ) -> None:
        deploy_earlier_version(world)
        original = world.current["clientSecret"]
        labels = {key: set(each.stages) for key, each in world.manager.versions.items()}

        world.publish()
        world.wait(OVERLAP - timedelta(minutes=1))
        assert world.known == {original, world.current["clientSecret"]}
        # Pulumi deletes the version that it knew. It waits for the version's labels to be removed,
        # except for Secrets Manager's own.
        for key in labels:
            assert world.manager.versions[key].stages == {"AWSPREVIOUS"}
        world.wait(timedelta(hours=1))

        world.require_one_client_secret()

    def test_a_stack_moves_that_was_rotated_by_hand(self, world: World) -> None:
        deploy_earlier_version(world)
        _, by_hand = world.cognito.add_by_hand(CLIENT)
        world.clock.sleep(60)
        del world.cognito.app_clients[CLIENT].secrets[world.cognito.app_clients[CLIENT].original]
        holder = _holder(world)
        text = world.manager.versions[holder].value
        assert text
        world.watched = False
        world.manager.versions[holder].value = text.replace(world.current["clientSecret"], by_hand)

        world.publish()
        assert by_hand in world.known
        world.end_overlap()

        world.require_one_client_secret()

    def test_a_stack_with_two_client_secrets_does_not_move(self, world: World) -> None:
        deploy_earlier_version(world)
        added, _ = world.cognito.add_by_hand(CLIENT)
        world.clock.sleep(60)

        with pytest.raises(RotationError, match=f"two client secrets .*{added}.* delete the one"):
            world.publish()

        del world.cognito.app_clients[CLIENT].secrets[added]
        world.publish()
        world.require_settled()

    @pytest.mark.parametrize(
        "text", ['{"clientId": "x", "clientSecret": null}', "", "not JSON", "[]", "null"]
    )
    def test_a_value_that_makes_no_sense_is_replaced(self, world: World, text: str) -> None:
        world.manager.write_by_hand(text, {"AWSCURRENT"})
        (original,) = world.cognito.values(CLIENT)

        world.publish()

        # Callers may have the original from an earlier value.
        assert world.known == {original, world.current["clientSecret"]}
        world.end_overlap()
        world.require_one_client_secret()

    def test_addresses_corrected_after_a_failed_publication_are_the_ones_tested(
        self, world: World
    ) -> None:
        world.cognito.token_url = "https://right.example/token"
        with pytest.raises(RotationError, match="doesn't accept"):
            world.publish(tokenUrl="https://wrong.example/token")

        world.publish(tokenUrl="https://right.example/token")

        world.require_one_client_secret()

    def test_a_first_client_secret_is_published_before_its_custom_domain_answers(
        self, world: World
    ) -> None:
        world.cognito.answers = False
        started = world.clock.now

        result = world.publish()

        assert result["tested"] is False
        assert "didn't answer: ConnectionRefusedError" in result["untested"]
        assert world.clock.now - started < timedelta(seconds=30)
        world.cognito.answers = True
        world.require_one_client_secret()

    def test_a_publication_that_was_given_up_leaves_no_label(self, world: World) -> None:
        world.publish()
        replace_app_client(world)
        world.cognito.token_url = "https://other.example/token"
        with pytest.raises(RotationError, match="accept the client secret"):
            world.publish(clientId=OTHER_CLIENT)

        world.publish(clientId=CLIENT)

        world.require_settled()

    def test_a_stack_that_callers_use_moves_only_after_a_test(self, world: World) -> None:
        deploy_earlier_version(world)
        before = world.current
        world.cognito.answers = False

        with pytest.raises(RotationError, match="ConnectionRefusedError"):
            world.publish()

        assert world.current == before

    def test_a_disabled_client_is_published_without_a_token(self, world: World) -> None:
        world.cognito.app_clients[CLIENT].enabled = False

        assert world.publish()["tested"] is False

        assert "token" not in world.calls.made
        world.cognito.app_clients[CLIENT].enabled = True
        world.require_one_client_secret()

    def test_new_permissions_are_awaited_for_a_minute(self, world: World) -> None:
        world.calls.denied_until = world.clock.now + timedelta(seconds=50)

        world.publish()

        world.require_one_client_secret()

    def test_missing_permissions_are_reported_after_a_minute(self, world: World) -> None:
        world.calls.denied_until = world.clock.now + timedelta(days=1)
        started = world.clock.now

        with pytest.raises(ClientError, match="AccessDenied"):
            world.publish()

        assert world.clock.now - started < timedelta(seconds=70)

    @pytest.mark.parametrize("missing", ["clientId", "tokenUrl", "mcpUrl", "scopes"])
    def test_an_event_without_an_address_is_refused(self, world: World, missing: str) -> None:
        del world.addresses[missing]

        with pytest.raises(RotationError, match=missing):
            world.publish()

    def test_a_missing_app_client_is_named(self, world: World) -> None:
        with pytest.raises(RotationError, match="app client absent doesn't exist"):
            world.publish(clientId="absent")

    def test_a_deleted_secret_is_named(self, world: World) -> None:
        world.manager.exists = False

        with pytest.raises(RotationError, match=f"{ARN} was deleted"):
            world.publish()


class TestRotation:
    def test_three_rotations_replace_the_client_secret_and_keep_each_for_its_overlap(
        self, world: World
    ) -> None:
        world.publish()
        seen = [world.current["clientSecret"]]
        for _ in range(3):
            token = world.rotate()
            assert world.manager.holder("AWSCURRENT") == token
            assert world.known == {seen[-1], world.current["clientSecret"]}
            seen.append(world.current["clientSecret"])
            world.end_overlap()
            world.require_one_client_secret()
        assert len(set(seen)) == 4

    def test_a_new_client_secret_becomes_current_only_when_it_is_accepted(
        self, world: World
    ) -> None:
        world.publish()
        world.cognito.delay = timedelta(seconds=140)

        world.rotate()  # callers are watched at each call

        world.require_settled()

    def test_one_that_is_not_accepted_in_time_never_becomes_current(self, world: World) -> None:
        world.publish()
        before = world.current
        world.cognito.delay = timedelta(minutes=10)

        with pytest.raises(
            RotationError, match="accept the client secret: HTTP 400 invalid_client"
        ):
            world.rotate()

        assert world.current == before
        world.clock.sleep(600)
        world.rotate_by_event()
        world.require_settled()

    def test_a_rotation_within_the_overlap_is_refused_before_anything_is_written(
        self, world: World
    ) -> None:
        world.publish()
        replaced = current_client_secret_id(world)
        world.rotate()
        token = world.manager.start_rotation()

        with pytest.raises(RotationError, match=f"{replaced} of .* is still valid"):
            world.step("createSecret", token)

        assert world.manager.versions[token].value is None
        world.end_overlap()
        world.rotate_by_event()
        world.require_settled()

    def test_turning_rotation_on_tests_the_current_client_secret(self, world: World) -> None:
        world.publish()
        token = world.manager.start_rotation()
        world.calls.restart()

        world.step("testSecret", token)

        assert "token" in world.calls.made
        assert world.manager.versions[token].value is None

    def test_a_copy_left_by_turning_rotation_on_is_removed_by_the_next_run(
        self, world: World
    ) -> None:
        # Secrets Manager tests with a copy of the current value.
        world.publish()
        before = world.current
        text = world.manager.versions[_holder(world)].value
        assert text
        world.step("testSecret", world.manager.write_by_hand(text, {"AWSPENDING"}))

        world.rotate_by_event()

        assert world.current == before
        world.require_settled()

    def test_a_value_edited_in_the_console_is_rotated(self, world: World) -> None:
        world.publish()
        text = world.manager.versions[_holder(world)].value
        assert text
        world.manager.write_by_hand(text.replace("/mcp", "/edited"), {"AWSCURRENT"})

        world.rotate()

        assert world.current["mcpUrl"].endswith("/edited")
        world.publish()
        world.require_settled()
        world.end_overlap()
        world.require_one_client_secret()

    def test_a_client_secret_of_a_persons_own_is_named_and_revoked(self, world: World) -> None:
        world.publish()
        text = world.manager.versions[_holder(world)].value
        assert text
        world.clock.sleep(60)
        _, by_hand = world.cognito.add_by_hand(CLIENT)
        world.clock.sleep(60)
        old = world.current["clientSecret"]
        world.manager.write_by_hand(text.replace(old, by_hand), {"AWSCURRENT"})
        with pytest.raises(RotationError, match="written by hand, or by an earlier"):
            world.rotate_by_event()

        world.revoke()

        world.require_one_client_secret()

    def test_an_empty_pending_version_is_filled_by_the_next_run(self, world: World) -> None:
        world.publish()
        token = world.manager.start_rotation()

        assert world.rotate_by_event()["done"] == "completed a rotation"

        assert world.manager.holder("AWSCURRENT") == token
        world.require_settled()

    @pytest.mark.parametrize("last", STEPS[:3])
    def test_a_leftover_pending_version_is_completed(self, world: World, last: str) -> None:
        world.publish()
        token = stop_after(world, last)
        world.wait(timedelta(days=2))

        result = world.complete(token)

        assert result["done"] == "completed a rotation"
        assert result["versionId"] == token == world.manager.holder("AWSCURRENT")
        world.require_settled()

    def test_completing_a_rotation_that_has_ended_starts_no_other(self, world: World) -> None:
        world.publish()
        token = world.rotate()
        world.end_overlap()
        before = world.current

        result = world.complete(token)

        assert result["done"] == "the rotation has ended already"
        assert world.current == before
        world.require_one_client_secret()

    def test_a_pending_label_left_on_the_current_version_is_removed(self, world: World) -> None:
        world.publish()
        world.manager.move_by_hand("AWSPENDING", _holder(world))
        before = world.current

        world.rotate_by_event()

        assert world.current == before
        world.require_settled()

    def test_a_pending_version_of_a_replaced_app_client_is_started_over(self, world: World) -> None:
        world.publish()
        stop_after(world, "testSecret")
        pending = world.manager.holder("AWSPENDING")
        replace_app_client(world)
        world.publish(clientId=OTHER_CLIENT)
        assert pending
        if pending in world.manager.versions:
            world.manager.move_by_hand("AWSPENDING", pending)

        world.rotate_by_event()

        assert world.manager.holder("AWSCURRENT") != pending
        world.require_settled()

    def test_a_pending_version_whose_client_secret_was_deleted_is_started_over(
        self, world: World
    ) -> None:
        world.publish()
        before = current_client_secret_id(world)
        token = stop_after(world, "setSecret")
        secrets = world.cognito.app_clients[CLIENT].secrets
        (added,) = set(secrets) - {before}
        del secrets[added]
        with pytest.raises(RotationError, match=f"{added}.* was deleted by hand.*--unstick"):
            world.step("setSecret", token)

        assert world.rotate_by_event()["done"] == "rotated"

        assert world.manager.holder("AWSCURRENT") != token
        world.require_settled()

    def test_a_client_secret_added_by_hand_is_named_and_kept(self, world: World) -> None:
        world.publish()
        world.clock.sleep(3600)
        added, value = world.cognito.add_by_hand(CLIENT)
        world.clock.sleep(60)
        token = world.manager.start_rotation()

        with pytest.raises(RotationError, match=f"{added} of .* was added by hand"):
            world.retire()
        with pytest.raises(RotationError, match=f"{added} of .* was added by hand"):
            world.step("createSecret", token)

        assert value in world.known
        del world.cognito.app_clients[CLIENT].secrets[added]
        world.rotate_by_event()
        world.require_settled()

    def test_addresses_published_during_a_rotation_are_kept(self, world: World) -> None:
        world.publish()
        before = world.current["clientSecret"]
        token = stop_after(world, "testSecret")
        world.publish(**OTHER_ADDRESSES)

        world.step("finishSecret", token)

        assert world.current["mcpUrl"] == OTHER_ADDRESSES["mcpUrl"]
        assert world.current["clientSecret"] != before
        world.require_settled()

    def test_a_leftover_rotation_is_tested_where_tokens_are_issued_now(self, world: World) -> None:
        world.publish()
        stop_after(world, "setSecret")
        world.cognito.token_url = "https://moved.example/token"
        world.publish(tokenUrl="https://moved.example/token")

        world.rotate_by_event()

        world.require_settled()

    def test_an_app_client_replaced_outside_of_a_deployment_is_named(self, world: World) -> None:
        world.publish()
        token = stop_after(world, "testSecret")
        text = world.manager.versions[_holder(world)].value
        assert text
        replace_app_client(world)
        world.watched = False
        world.manager.write_by_hand(text.replace(CLIENT, OTHER_CLIENT), {"AWSCURRENT"})

        with pytest.raises(RotationError, match="the app client was replaced during the rotation"):
            world.step("finishSecret", token)

        assert world.manager.holder("AWSPENDING") is None

    def test_a_rotation_that_was_cancelled_adds_nothing(self, world: World) -> None:
        world.publish()
        token = stop_after(world, "createSecret")
        world.manager.versions[token].stages = {"other"}

        with pytest.raises(RotationError, match="cancelled"):
            world.step("setSecret", token)

        assert len(world.known) == 1

    def test_a_secret_without_a_value_is_not_rotated(self, world: World) -> None:
        with pytest.raises(RotationError, match="no value yet: deploy the stack"):
            world.rotate_by_event()

    def test_a_disabled_client_is_rotated_without_a_token(self, world: World) -> None:
        world.publish()
        world.cognito.app_clients[CLIENT].enabled = False
        world.calls.restart()

        world.rotate()

        assert "token" not in world.calls.made
        world.cognito.app_clients[CLIENT].enabled = True
        world.require_settled()

    def test_a_current_client_secret_deleted_by_hand_is_replaced(self, world: World) -> None:
        world.publish()
        world.watched = False
        secrets = world.cognito.app_clients[CLIENT].secrets
        lost = current_client_secret_id(world)
        world.cognito.add_by_hand(CLIENT)
        world.clock.sleep(60)
        del secrets[lost]
        with pytest.raises(RotationError, match=f"{lost} was deleted by hand: .*revoke"):
            world.retire()

        world.revoke()

        world.require_one_client_secret()


class TestRetire:
    def test_the_overlap_starts_when_the_client_secret_becomes_current(self, world: World) -> None:
        world.publish()
        replaced = world.current["clientSecret"]
        stop_after(world, "testSecret")
        world.wait(timedelta(days=3))
        world.rotate_by_event()

        world.wait(OVERLAP - timedelta(minutes=1))
        assert replaced in world.known

        world.wait(timedelta(minutes=2))
        world.require_one_client_secret()

    @pytest.mark.parametrize("waited", [timedelta(0), OVERLAP / 2])
    def test_the_overlap_starts_again_after_a_rollback_by_hand(
        self, world: World, waited: timedelta
    ) -> None:
        world.publish()
        first = world.manager.holder("AWSCURRENT")
        assert first
        world.clock.sleep(2 * OVERLAP.total_seconds())
        world.rotate()
        if waited:
            world.wait(waited)
        second = world.current["clientSecret"]
        world.manager.move_by_hand("AWSCURRENT", first)

        world.wait(OVERLAP - timedelta(minutes=1))
        assert second in world.known

        world.end_overlap()
        world.require_one_client_secret()
        assert world.manager.holder("AWSCURRENT") == first

    def test_a_rotation_under_way_keeps_its_client_secret(self, world: World) -> None:
        world.publish()
        world.end_overlap()
        stop_after(world, "setSecret")

        world.wait(timedelta(days=9))

        assert len(world.known) == 2
        world.rotate_by_event()
        world.require_settled()

    def test_without_overlap_the_replaced_one_goes_at_the_next_retirement(
        self, world: World
    ) -> None:
        world.publish()
        replaced = current_client_secret_id(world)
        world.rotate()
        world.revoking = True

        result = world.invoke({"retire": [{"secret": ARN, "overlapHours": 0}]})

        assert result["results"][0]["deleted"] == [replaced]
        world.require_one_client_secret()

    def test_an_earlier_versions_stack_is_left_alone(self, world: World) -> None:
        deploy_earlier_version(world)

        world.wait(timedelta(days=9))

        assert len(world.known) == 1
        assert [each.stages for each in world.manager.versions.values()] == [{"AWSCURRENT"}]

    def test_a_client_with_a_problem_does_not_stop_the_others(self, world: World) -> None:
        world.publish()
        world.rotate()
        world.clock.now += OVERLAP
        absent = "arn:aws:secretsmanager:us-east-1:000000000000:secret:absent"

        with pytest.raises(RotationError, match=f"{absent} was deleted"):
            world.invoke(
                {
                    "retire": [
                        {"secret": absent, "overlapHours": 24},
                        {"secret": ARN, "overlapHours": 24},
                    ]
                }
            )

        world.require_one_client_secret()

    @pytest.mark.parametrize("last", STEPS[:3])
    def test_a_rotation_left_for_a_day_is_reported_each_hour_until_it_is_completed(
        self, world: World, last: str
    ) -> None:
        world.publish()
        began = world.clock.now
        stop_after(world, last)
        world.clock.now = began + timedelta(hours=23, minutes=59)
        world.retire()

        for _ in range(2):
            world.clock.now += timedelta(hours=1)
            with pytest.raises(RotationError, match=re.escape(_incomplete(began))):
                world.retire()

        world.rotate_by_event()
        world.retire()
        world.require_settled()

    def test_a_stuck_rotation_does_not_keep_a_replaced_client_secret(self, world: World) -> None:
        world.publish()
        world.rotate()
        world.manager.start_rotation()
        world.clock.now += OVERLAP

        with pytest.raises(RotationError, match="isn't complete"):
            world.retire()

        assert world.known == {world.current["clientSecret"]}

    def test_a_pending_label_on_the_current_version_is_no_stuck_rotation(
        self, world: World
    ) -> None:
        world.publish()
        world.manager.move_by_hand("AWSPENDING", _holder(world))
        world.clock.now += timedelta(days=2)

        world.retire()

    @pytest.mark.parametrize("published", [False, True])
    def test_a_deployment_cut_off_a_day_ago_is_reported(
        self, world: World, published: bool
    ) -> None:
        if published:
            deploy_earlier_version(world)
        world.cognito.token_url = "https://other.example/token"
        began = world.clock.now
        with pytest.raises(RotationError, match="accept the client secret"):
            world.publish()
        world.clock.now = began + timedelta(days=1)

        with pytest.raises(RotationError, match=r"cut off.*`python -m automation deploy`"):
            world.retire()

        world.cognito.token_url = None
        world.publish()
        world.retire()

    def test_nothing_is_written_while_no_overlap_ends(self, world: World) -> None:
        world.publish()
        world.rotate()
        world.retire()
        world.calls.restart()

        world.retire()

        assert all(re.match("(list|get|describe)_", each) for each in world.calls.made)


class TestRevoke:
    @pytest.mark.parametrize("rotated", [False, True])
    def test_only_a_new_client_secret_remains(self, world: World, rotated: bool) -> None:
        world.publish()
        if rotated:
            world.rotate()
        before, deleted = world.known, set(world.cognito.app_clients[CLIENT].secrets)

        result = world.revoke()

        assert world.known == {world.current["clientSecret"]}
        assert not world.known & before
        assert set(result["deleted"]) == deleted
        world.require_one_client_secret()

    @pytest.mark.parametrize("last", STEPS[:3])
    def test_a_rotation_under_way_is_dropped(self, world: World, last: str) -> None:
        world.publish()
        token = stop_after(world, last)

        world.revoke()

        world.require_one_client_secret()
        with pytest.raises(RotationError):
            world.step("finishSecret", token)
        world.require_one_client_secret()

    def test_a_client_secret_added_by_hand_goes_too(self, world: World) -> None:
        world.publish()
        world.clock.sleep(3600)
        world.cognito.add_by_hand(CLIENT)
        world.clock.sleep(60)

        world.revoke()

        world.require_one_client_secret()

    def test_an_earlier_versions_stack_can_be_revoked(self, world: World) -> None:
        deploy_earlier_version(world)
        world.cognito.add_by_hand(CLIENT)
        world.clock.sleep(60)

        world.revoke()

        world.require_one_client_secret()

    def test_the_publication_of_another_app_client_continues(self, world: World) -> None:
        world.publish()
        replace_app_client(world)
        world.cognito.token_url = "https://other.example/token"
        with pytest.raises(RotationError, match="accept the client secret"):
            world.publish(clientId=OTHER_CLIENT)
        world.cognito.token_url = None

        world.revoke()

        assert world.current["clientId"] == CLIENT
        world.publish()
        assert world.current["clientId"] == OTHER_CLIENT
        world.retire()
        world.require_one_client_secret()

    def test_a_disabled_client_can_be_revoked(self, world: World) -> None:
        world.publish()
        world.cognito.app_clients[CLIENT].enabled = False

        world.revoke()

        world.cognito.app_clients[CLIENT].enabled = True
        world.require_one_client_secret()


def test_other_events_are_refused(world: World) -> None:
    with pytest.raises(RotationError, match="none of publish, rotate, revoke, retire and Step"):
        world.invoke({})
    with pytest.raises(RotationError, match="no step cleanUp"):
        world.step("cleanUp", "token")


def _incomplete(began: datetime) -> str:
    return (
        f"{ARN}: the rotation that began at {began:%Y-%m-%d %H:%M} UTC isn't complete, and blocks"
        " every later one. Complete it with `python -m automation rotate --unstick`"
    )


def _holder(world: World) -> str:
    holder = world.manager.holder("AWSCURRENT")
    assert holder
    return holder
