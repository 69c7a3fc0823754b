"""The life of one client's secret: published, rotated, revoked, and its replaced values deleted.

Every method first looks at what there is, so the next invocation continues one that died. A client
secret is written to Secrets Manager before it is added to Cognito, so none exists that nobody
knows. Two invocations at the same time end as one would.

Source: "Rotation by Lambda function" in the AWS Secrets Manager User Guide.
"""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from functions.rotation.app_client import AppClient, LimitReachedError
from functions.rotation.credentials import (
    Addresses,
    Credentials,
    RotationError,
    generate_client_secret,
)
from functions.rotation.decisions import (
    CURRENT,
    PENDING,
    PREVIOUS,
    PUBLISHING,
    Inventory,
    Version,
    Versions,
    added_for,
    client_secret_label,
    given_up_first,
    outdated_labels,
    overlap_ended,
    require_none_stuck,
    require_room,
    since_label,
)
from functions.rotation.secret_versions import LabelMovedError, SecretVersions
from functions.rotation.services import Services
from functions.rotation.token_endpoint import Refusal

_ATTEMPTS: Final = 5
"""How often an invocation looks again after another one was faster."""
_NAMESPACE: Final = uuid.UUID("8d3bb24c-6c0f-4b8c-9a5b-0a4f5f8e6d51")

Summary = dict[str, Any]
"""What was done, as a sentence, with ids and without values."""


class SecretLifecycle:
    """Everything that this function does to one client's secret."""

    def __init__(self, arn: str, services: Services) -> None:
        """Look at nothing yet.

        Args:
            arn: the secret's ARN.
            services: what the invocation works with.
        """
        self._versions = SecretVersions(arn, services)
        self._services = services

    def publish(self, addresses: Addresses) -> Summary:
        """Make the secret's current value a client's credentials with these addresses.

        An app client gets a client secret of this function's, since Pulumi's state knows the
        original one. The original is deleted at once unless callers use it, which they do in a
        stack that an earlier version of the program deployed.

        Raises:
            RotationError: the secrets are in a state that needs a person.
        """
        versions = self._labelled()
        current, publishing = versions.staged(CURRENT), versions.staged(PUBLISHING)
        value = self._parsed(current)
        if (
            current is not None
            and current.client_secret_id is not None
            and value is not None
            and value.client_id == addresses.client_id
            and publishing != current
        ):
            self._remove(PUBLISHING, versions)
            return self._readdress(addresses)
        return self._publish_client_secret(addresses, versions)

    def create(self, version_id: str) -> Summary:
        """Write a new client secret as AWSPENDING.

        Raises:
            RotationError: see `publish`.
        """
        current = _published(self._labelled())
        pending = self._versions.find(version_id)
        if pending is not None:
            return {"done": "the version has its value already", "versionId": version_id}
        value = self._versions.read(current.id)
        require_room(self._inventory(value.client_id))
        self._versions.write(
            version_id, replace(value, client_secret=generate_client_secret()), (PENDING,)
        )
        return {"done": "wrote a new client secret", "versionId": version_id}

    def register(self, version_id: str) -> Summary:
        """Add a version's client secret to the app client, unless an earlier run has.

        Raises:
            RotationError: see `publish`.
        """
        value = self._versions.read(version_id)
        versions = self._versions.list()
        if self._is_current(version_id, value, versions):
            return {"done": "the client secret is the current one already"}
        _require_label(versions, version_id, PENDING, PUBLISHING)
        return self._register(version_id, value)

    def test(self, version_id: str) -> Summary:
        """Request a token with a version's client secret until one is issued.

        A version without a value comes from turning rotation on without rotating at once: Secrets
        Manager then tests the function, and the current value is used.

        Raises:
            RotationError: no token was issued within the limit.
        """
        value = self._versions.find(version_id)
        current = self._versions.read(_current(self._versions.list()).id)
        if value is None or value.client_id != current.client_id:
            return self._test(current)
        # The token endpoint may have another address since the version was written.
        return self._test(replace(value, addresses=current.addresses))

    def finish(self, version_id: str) -> Summary:
        """Make a version the current one, with the addresses that the current one has.

        Raises:
            RotationError: see `publish`; or the app client was replaced since the version was
                written.
        """
        return self._finish(version_id, PENDING)

    def rotate(self, begun: str | None = None) -> Summary:
        """Do the four steps, continuing a rotation that an earlier run left.

        Args:
            begun: the version whose rotation to complete; nothing is done if that has ended, since
                Secrets Manager repeats a failed rotation by itself. None rotates in any case.

        Raises:
            RotationError: see `publish`.
        """
        versions = self._labelled()
        current = _published(versions)
        pending = versions.staged(PENDING)
        if begun is not None and (pending is None or pending.id != begun):
            return {"done": "the rotation has ended already", "versionId": begun}
        if pending is not None and not self._can_continue(pending, current):
            self._versions.remove(PENDING, holder=pending.id)
            pending = None
        version_id = str(uuid.uuid4()) if pending is None else pending.id
        self.create(version_id)
        self.register(version_id)
        self.test(version_id)
        finished = self.finish(version_id)
        return finished | {"done": "rotated" if pending is None else "completed a rotation"}

    def revoke(self) -> Summary:
        """Give the client a new client secret and delete all others.

        Raises:
            RotationError: see `publish`.
        """
        versions = self._versions.list()
        current = _current(versions)
        value = self._versions.read(current.id)
        self._remove(PENDING, versions)
        publishing = self._parsed(versions.staged(PUBLISHING))
        if publishing is not None and publishing.client_id == value.client_id:
            self._remove(PUBLISHING, versions)
        app_client = AppClient(value.client_id, self._services)
        deleted: list[str] = []

        def make_room(inventory: Inventory) -> None:
            if (doomed := given_up_first(inventory)) is not None:
                app_client.delete(doomed.id)
                deleted.append(doomed.id)

        make_room(self._inventory(value.client_id))
        version_id = str(uuid.uuid4())
        fresh = replace(value, client_secret=generate_client_secret())
        self._versions.write(version_id, fresh, (PENDING,))
        # Once more, in case that something else has added one.
        self._register(version_id, fresh, make_room)
        self._test(fresh)
        finished = self._finish(version_id, PENDING)
        for each in app_client.list():
            if each.id != finished["clientSecretId"]:
                app_client.delete(each.id)
                deleted.append(each.id)
        self._remove_outdated_labels(value.client_id)
        return finished | {"done": "revoked all earlier client secrets", "deleted": deleted}

    def retire(self, overlap: timedelta) -> Summary:
        """Delete the replaced client secrets whose overlap has ended.

        Args:
            overlap: how long a replaced client secret stays valid.

        Raises:
            RotationError: a client secret was added or deleted by hand; or, once the replaced ones
                are deleted, a rotation is stuck.
        """
        versions = self._labelled()
        done = self._retire(versions, overlap)
        require_none_stuck(versions, now=self._services.now())
        return done

    def _retire(self, versions: Versions, overlap: timedelta) -> Summary:
        current = versions.staged(CURRENT)
        if current is None:
            return {"done": "the secret has no value yet", "deleted": []}
        value = self._versions.read(current.id)
        if current.client_secret_id is not None and versions.current_since is None:
            self._label_since(current)
        inventory = self._inventory(value.client_id, current.id)
        ended = overlap_ended(inventory, overlap=overlap, now=self._services.now())
        for each in ended:
            AppClient(value.client_id, self._services).delete(each.id)
        left = tuple(each for each in inventory.client_secrets if each not in ended)
        for version, label in outdated_labels(replace(inventory, client_secrets=left)):
            self._versions.remove(label, holder=version.id)
        return {
            "done": "deleted the replaced client secret" if ended else "no overlap has ended",
            "deleted": [each.id for each in ended],
        }

    def _publish_client_secret(self, addresses: Addresses, versions: Versions) -> Summary:
        version_id = self._version_to_publish(addresses, versions)
        value = self._versions.find(version_id)
        if value is None:
            value = Credentials(addresses=addresses, client_secret=generate_client_secret())
            self._versions.write(version_id, value, (PUBLISHING,))
            # A concurrent invocation may have written another one first.
            value = self._versions.read(version_id)
        self._end_rotation(version_id, addresses.client_id, versions)
        self._register(version_id, value)
        replaced = versions.staged(CURRENT)
        if replaced is None or replaced.id == version_id:
            replaced = self._versions.list().staged(PREVIOUS)
        unused = self._nobody_uses_the_original(replaced, addresses.client_id)
        # An earlier run may have written other addresses.
        tested = self._test_published(replace(value, addresses=addresses), unused=unused)
        finished = self._finish(version_id, PUBLISHING, keep_label=True)
        done = "published the client's first client secret"
        if unused:
            original = self._inventory(addresses.client_id).original
            if original is not None:
                AppClient(addresses.client_id, self._services).delete(original.id)
        else:
            done = "published a client secret; the one it replaces is valid for the overlap"
        self._versions.remove(PUBLISHING, holder=version_id)
        if value.addresses != addresses:
            self._readdress(addresses)
        return finished | tested | {"done": done}

    def _labelled(self) -> Versions:
        """List the versions, after labelling a current one that a person wrote.

        Editing the value in a console makes a version without a label, often with the same client
        secret.
        """
        versions = self._versions.list()
        current = versions.staged(CURRENT)
        if current is None or current.client_secret_id is not None:
            return versions
        value = self._parsed(current)
        for version in versions.all:
            if version.client_secret_id is None or value is None:
                continue
            other = self._parsed(version)
            if other is not None and other.client_secret == value.client_secret:
                for label in (client_secret_label(version.client_secret_id), *version.since_labels):
                    self._versions.move(label, to=current.id, holder=version.id)
                return self._versions.list()
        return versions

    def _version_to_publish(self, addresses: Addresses, versions: Versions) -> str:
        current, publishing = versions.staged(CURRENT), versions.staged(PUBLISHING)
        value = self._parsed(publishing)
        if publishing is not None and value is not None and value.client_id == addresses.client_id:
            return publishing.id
        pending = versions.staged(PENDING)
        value, current_value = self._parsed(pending), self._parsed(current)
        if (
            pending is not None
            and value is not None
            and value.client_id == addresses.client_id
            and (current_value is None or value.client_secret != current_value.client_secret)
        ):
            # A revocation or rotation was interrupted before the first publication was complete.
            self._versions.move(
                PUBLISHING, to=pending.id, holder=publishing.id if publishing else None
            )
            return pending.id
        # The same id for two publications at the same time, another one after each.
        parts = (self._versions.arn, addresses.client_id, current.id if current else "")
        return str(uuid.uuid5(_NAMESPACE, " ".join(parts)))

    def _nobody_uses_the_original(self, replaced: Version | None, client_id: str) -> bool:
        if replaced is None:
            return True
        value = self._parsed(replaced)
        return value is not None and value.client_id != client_id

    def _end_rotation(self, version_id: str, client_id: str, versions: Versions) -> None:
        """End a rotation that this publication completes, or that a new app client ends."""
        pending = versions.staged(PENDING)
        value = self._parsed(pending)
        if pending is None or value is None:
            return
        if pending.id == version_id or value.client_id != client_id:
            self._versions.remove(PENDING, holder=pending.id)

    def _readdress(self, addresses: Addresses) -> Summary:
        current = _current(self._versions.list())
        value = self._versions.read(current.id)
        if value.addresses == addresses:
            return {"done": "nothing has changed", "versionId": current.id}
        return self._replace_current(
            current, lambda base: (replace(base, addresses=addresses), None)
        ) | {"done": "published the addresses; the client secret is the same"}

    def _replace_current(
        self,
        current: Version,
        change: Callable[[Credentials], tuple[Credentials, str | None]],
    ) -> Summary:
        """Write a changed copy of the current version as the current one.

        PutSecretValue moves AWSCURRENT whatever it is on by then. AWSPREVIOUS says what it was on,
        so a change that another invocation made in between is applied as well.
        """
        base, expected = current, current.id
        for _ in range(_ATTEMPTS):
            value, client_secret_id = change(self._versions.read(base.id))
            since = base.since
            if client_secret_id is None:
                client_secret_id = base.client_secret_id
            else:
                since = self._services.now()
            if client_secret_id is None:
                raise RotationError(f"version {base.id} doesn't name its client secret")
            version_id = str(uuid.uuid4())
            stages = [CURRENT, client_secret_label(client_secret_id)]
            if since is not None:
                stages.append(since_label(since))
            self._versions.write(version_id, value, tuple(stages))
            overwritten = self._versions.list().staged(PREVIOUS)
            if overwritten is None or overwritten.id == expected:
                return {"versionId": version_id, "clientSecretId": client_secret_id}
            base, expected = overwritten, version_id
        raise RotationError("the secret is being changed by someone else all the time: try again")

    def _register(
        self,
        version_id: str,
        value: Credentials,
        make_room: Callable[[Inventory], None] = require_room,
    ) -> Summary:
        app_client = AppClient(value.client_id, self._services)
        for _ in range(_ATTEMPTS):
            inventory = self._inventory(value.client_id, version_id)
            version = inventory.versions.find(version_id)
            if version is None:
                break
            added = added_for(inventory, version)
            if added is not None:
                self._name(version, added.id)
                return _registered(version_id, added.id, "the client secret was added already")
            make_room(inventory)
            try:
                client_secret_id = app_client.add(value.client_secret)
            except LimitReachedError:
                # A concurrent invocation, or a lost answer: the next look shows which.
                self._services.sleep(self._services.pause)
                continue
            version = self._versions.list().find(version_id) or version
            if version.client_secret_id not in {None, client_secret_id}:
                # A concurrent invocation has added the same value.
                app_client.delete(client_secret_id)
                client_secret_id = str(version.client_secret_id)
            self._name(version, client_secret_id)
            return _registered(version_id, client_secret_id, "added the client secret")
        raise RotationError(f"version {version_id} is no longer being rotated: start again")

    def _name(self, version: Version, client_secret_id: str) -> None:
        label = client_secret_label(client_secret_id)
        if label not in version.stages:
            self._versions.move(label, to=version.id, holder=None)

    def _test(self, value: Credentials) -> Summary:
        if not self._enabled(value.client_id):
            return {"done": "requested no token, since the client is disabled", "tested": False}
        refusal = self._services.await_token(value)
        if refusal is not None:
            raise _not_accepted(value, refusal)
        return {"done": "the token endpoint accepts the client secret", "tested": True}

    def _test_published(self, value: Credentials, *, unused: bool) -> Summary:
        """Test a published client secret, unless nobody answers and nobody uses it yet.

        A custom domain answers only once its alias record exists, which is created from the
        deployment's outputs.
        """
        if not unused or not self._enabled(value.client_id):
            return self._test(value)
        refusal = self._services.await_token(value)
        if refusal is None:
            return {"tested": True}
        if refusal.answered:
            raise _not_accepted(value, refusal)
        return {"tested": False, "untested": f"the token endpoint didn't answer: {refusal.reason}"}

    def _enabled(self, client_id: str) -> bool:
        return AppClient(client_id, self._services).describe().enabled

    def _finish(self, version_id: str, stage: str, *, keep_label: bool = False) -> Summary:
        value = self._versions.read(version_id)
        for _ in range(_ATTEMPTS):
            try:
                return self._try_to_finish(version_id, value, stage, keep_label=keep_label)
            except LabelMovedError:
                continue
        raise RotationError("the secret is being changed by someone else all the time: try again")

    def _try_to_finish(
        self, version_id: str, value: Credentials, stage: str, *, keep_label: bool
    ) -> Summary:
        versions = self._versions.list()
        if not self._is_current(version_id, value, versions):
            _require_label(versions, version_id, stage)
            self._make_current(version_id, value, stage, versions)
        current = _current(self._versions.list())
        if current.since is None:
            self._label_since(current)
        if not keep_label:
            self._versions.remove(stage, holder=version_id)
        return {
            "done": "the client secret is the current one",
            "versionId": current.id,
            "clientSecretId": current.client_secret_id,
        }

    def _make_current(
        self, version_id: str, value: Credentials, stage: str, versions: Versions
    ) -> None:
        version, current = versions.find(version_id), versions.staged(CURRENT)
        if version is None or version.client_secret_id is None:
            raise RotationError(f"version {version_id} has no client secret in Cognito")
        latest = self._parsed(current)
        if stage == PENDING and current is not None and latest is not None:
            if latest.client_id != value.client_id:
                self._versions.remove(PENDING, holder=version_id)
                raise RotationError(
                    "the app client was replaced during the rotation, which is dropped: the new"
                    " app client has its own client secret"
                )
            if latest.addresses != value.addresses:
                # The deployment has published others since the version was written.
                named = version.client_secret_id
                self._replace_current(
                    current,
                    lambda base: (replace(value, addresses=base.addresses), named),
                )
                return
        self._versions.move(CURRENT, to=version_id, holder=current.id if current else None)

    def _label_since(self, current: Version) -> None:
        label = since_label(self._services.now())
        if label in current.stages:
            return
        try:
            self._versions.move(label, to=current.id, holder=None)
        except LabelMovedError:
            # Another version got it within this second; the hourly retirement labels this one.
            return

    def _is_current(self, version_id: str, value: Credentials, versions: Versions) -> bool:
        current = versions.staged(CURRENT)
        if current is None:
            return False
        if current.id == version_id:
            # The first version of a secret is current from the start, before Cognito knows it.
            return current.client_secret_id is not None
        current_value = self._parsed(current)
        return current_value is not None and current_value.client_secret == value.client_secret

    def _can_continue(self, pending: Version, current: Version) -> bool:
        value = self._versions.find(pending.id)
        if value is None:
            return True
        if value.client_id != self._versions.read(current.id).client_id:
            return False
        if pending.client_secret_id is None:
            return True
        return self._inventory(value.client_id).client_secret_of(pending) is not None

    def _inventory(self, client_id: str, version_id: str | None = None) -> Inventory:
        """Look at what there is.

        Args:
            client_id: the app client.
            version_id: a version with this app client's client secret, if it matters.
        """
        inventory = self._look(client_id)
        if version_id is not None and inventory.lacks_client_secret_of(version_id):
            # Another invocation may have added it in between.
            self._services.sleep(self._services.pause)
            inventory = self._look(client_id)
        return inventory

    def _look(self, client_id: str) -> Inventory:
        # The labels come last: a client secret without one is then none that was added meanwhile.
        app_client = AppClient(client_id, self._services)
        return Inventory(
            original_exists=app_client.describe().original_exists,
            client_secrets=app_client.list(),
            versions=self._versions.list(),
        )

    def _parsed(self, version: Version | None) -> Credentials | None:
        """Read a version's value; None if there is none that makes sense."""
        if version is None:
            return None
        try:
            return self._versions.find(version.id)
        except RotationError:
            return None

    def _remove(self, stage: str, versions: Versions) -> None:
        if (holder := versions.staged(stage)) is not None:
            self._versions.remove(stage, holder=holder.id)

    def _remove_outdated_labels(self, client_id: str) -> None:
        for version, label in outdated_labels(self._inventory(client_id)):
            self._versions.remove(label, holder=version.id)


def _not_accepted(value: Credentials, refusal: Refusal) -> RotationError:
    return RotationError(
        f"the token endpoint {value.addresses.token_url} doesn't accept the client secret:"
        f" {refusal.reason}"
    )


def _registered(version_id: str, client_secret_id: str, done: str) -> Summary:
    return {"done": done, "versionId": version_id, "clientSecretId": client_secret_id}


def _current(versions: Versions) -> Version:
    current = versions.staged(CURRENT)
    if current is None:
        raise RotationError("the secret has no value yet: deploy the stack")
    return current


def _published(versions: Versions) -> Version:
    current = _current(versions)
    if current.client_secret_id is None:
        raise RotationError(
            "the current value was written by hand, or by an earlier version of the program. If the"
            " stack is up to date, replace it with `python -m automation revoke`; otherwise deploy"
            " the stack"
        )
    return current


def _require_label(versions: Versions, version_id: str, *stages: str) -> None:
    version = versions.find(version_id)
    if version is None or not version.stages & set(stages):
        raise RotationError(
            f"version {version_id} has none of the labels {', '.join(stages)} any more: the"
            " rotation was cancelled, or the client's secrets were revoked"
        )
