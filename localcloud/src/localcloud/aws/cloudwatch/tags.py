"""Tags of alarms and mute rules."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from localcloud.aws.cloudwatch.alarms import Alarm, Alarms
from localcloud.aws.cloudwatch.errors import missing_resource, unsupported, value_error
from localcloud.aws.cloudwatch.handlers import Handler, JsonObject
from localcloud.aws.cloudwatch.mutes import MuteRule, MuteRules

_MAX_TAGS = 50


def read_tags(given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return tags by their keys.

    Raises:
        ApiError: there are too many.
    """
    tags = {each["Key"]: each["Value"] for each in given}
    if len(tags) > _MAX_TAGS:
        raise value_error(f"A resource can have at most {_MAX_TAGS} tags.")
    return tags


class TagOperations:
    """Changes and returns tags."""

    def __init__(self, alarms: Alarms, mutes: MuteRules) -> None:
        """Serve the tags of alarms and mute rules."""
        self._alarms = alarms
        self._mutes = mutes

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers by their operations."""
        return {
            "ListTagsForResource": self._list_tags_for_resource,
            "TagResource": self._tag_resource,
            "UntagResource": self._untag_resource,
        }

    async def _tag_resource(self, parameters: JsonObject) -> JsonObject:
        tagged = self._tagged(parameters["ResourceARN"])
        self._put(tagged, {**tagged.tags, **read_tags(parameters["Tags"])})
        return {}

    async def _untag_resource(self, parameters: JsonObject) -> JsonObject:
        tagged, removed = self._tagged(parameters["ResourceARN"]), set(parameters["TagKeys"])
        self._put(tagged, {key: tagged.tags[key] for key in tagged.tags if key not in removed})
        return {}

    async def _list_tags_for_resource(self, parameters: JsonObject) -> JsonObject:
        tags = self._tagged(parameters["ResourceARN"]).tags
        return {"Tags": [{"Key": key, "Value": tags[key]} for key in tags]}

    def _tagged(self, arn: str) -> Alarm | MuteRule:
        if ":alarm:" in arn:
            found: Alarm | MuteRule | None = self._alarms.find(arn)
        elif ":alarm-mute-rule:" in arn:
            found = self._mutes.find(arn.partition(":alarm-mute-rule:")[2])
        else:
            raise unsupported(f"tags of {arn}")
        if found is None or found.arn != arn:
            raise missing_resource(f"Unknown resource: {arn}")
        return found

    def _put(self, tagged: Alarm | MuteRule, tags: dict[str, str]) -> None:
        read_tags([{"Key": key, "Value": tags[key]} for key in tags])
        if isinstance(tagged, MuteRule):
            self._mutes.put(replace(tagged, tags=tags))
        else:
            self._alarms.put(replace(tagged, tags=tags))
