"""Task definitions: the operations of ECS's API on them."""

from localcloud.aws.context import ServiceContext
from localcloud.aws.ecs import requests, rules, supported
from localcloud.aws.ecs.models import JsonObject, TaskDefinition, tags_from_api, tags_to_api
from localcloud.aws.protocol import ApiError


class TaskDefinitions:
    """The task definitions of one account in one region."""

    def __init__(self, context: ServiceContext) -> None:
        """Start without any."""
        self._context = context
        self._definitions: dict[str, TaskDefinition] = {}
        # A family keeps counting after its revisions have been deleted.
        self._last_revisions: dict[str, int] = {}

    @property
    def tags(self) -> dict[str, dict[str, str]]:
        """Their tags, by ARN."""
        return {each.arn: each.tags for each in self._definitions.values()}

    async def register(self, request: JsonObject) -> JsonObject:
        """Register a revision."""
        problems = [*supported.unsupported(request, supported.TASK_DEFINITION)]
        problem = " ".join(problems) or rules.task_definition_problem(request)
        if problem:
            raise ApiError("ClientException", problem)
        family = request["family"]
        revision = 1 + self._last_revisions.get(family, 0)
        definition = TaskDefinition(
            arn=self._context.arn("ecs", f"task-definition/{family}:{revision}"),
            family=family,
            revision=revision,
            settings=rules.registered(request),
            tags=tags_from_api(request.get("tags", [])),
            registered_at=self._context.clock(),
        )
        self._definitions[definition.arn] = definition
        self._last_revisions[family] = revision
        return {
            "taskDefinition": definition.description(),
            "tags": tags_to_api(definition.tags),
        }

    async def describe(self, request: JsonObject) -> JsonObject:
        """Describe a revision."""
        definition = self._found(request["taskDefinition"])
        if definition is None:
            raise ApiError("ClientException", "Unable to describe task definition.")
        tags = tags_to_api(definition.tags) if "TAGS" in request.get("include", ()) else []
        return {"taskDefinition": definition.description(), "tags": tags}

    async def deregister(self, request: JsonObject) -> JsonObject:
        """Make a revision inactive."""
        definition = self._found(request["taskDefinition"])
        if definition is None or ":" not in requests.name_of(request["taskDefinition"]):
            raise ApiError("ClientException", "Unable to describe task definition.")
        if definition.active:
            definition.deregistered_at = self._context.clock()
        return {"taskDefinition": definition.description()}

    async def delete(self, request: JsonObject) -> JsonObject:
        """Delete inactive revisions."""
        requests.check_number(request, "taskDefinitions", 10)
        deleted, failures = [], []
        for reference in request["taskDefinitions"]:
            definition = self._found(reference)
            if definition is None:
                failures.append({"arn": reference, "reason": requests.MISSING})
            elif definition.active:
                reason = "The specified task definition is still in ACTIVE status."
                failures.append({"arn": definition.arn, "reason": reason})
            else:
                # One that tasks use is deleted once they have stopped; they keep their own.
                del self._definitions[definition.arn]
                deleted.append({**definition.description(), "status": "DELETE_IN_PROGRESS"})
        return {"taskDefinitions": deleted, "failures": failures}

    async def list(self, request: JsonObject) -> JsonObject:
        """List the ARNs of revisions."""
        prefix, status = request.get("familyPrefix"), request.get("status", "ACTIVE")
        found = sorted(
            (
                each
                for each in self._definitions.values()
                if prefix in {None, each.family}
                and status == ("ACTIVE" if each.active else "INACTIVE")
            ),
            key=lambda each: (each.family, each.revision),
            reverse=request.get("sort") == "DESC",
        )
        return requests.page("taskDefinitionArns", [each.arn for each in found], request)

    def usable(self, reference: str) -> TaskDefinition:
        """Return the active revision that a service names.

        Raises:
            ApiError: ClientException.
        """
        definition = self._found(reference)
        if definition is None:
            raise ApiError("ClientException", "TaskDefinition not found.")
        if not definition.active:
            raise ApiError("ClientException", "TaskDefinition is inactive")
        return definition

    def _found(self, reference: str) -> TaskDefinition | None:
        """Find a task definition by its ARN, by family:revision, or the family's newest one."""
        name = requests.name_of(reference)
        if ":" in name:
            return self._definitions.get(self._context.arn("ecs", f"task-definition/{name}"))
        revisions = (each for each in self._definitions.values() if each.family == name)
        active = [each for each in revisions if each.active]
        return max(active, key=lambda each: each.revision, default=None)
