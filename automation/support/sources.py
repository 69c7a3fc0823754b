"""What is collected of a stack."""

import datetime as dt
import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from automation.blanking import BLANK
from automation.deployment import Deployment
from automation.hosting.host import Aws, HostOperations, aws_of
from automation.hosting.hosts import HOSTS
from automation.muting import alarm_names
from automation.report.files import load
from automation.stack_logs import Writer, find_log, read_lines
from automation.support.archive import Part
from automation.target import resource_names, stack_settings
from automation.versions import distribution_versions
from components.names import ResourceNames

_UPDATES: Final = 20
_LONG_OUTPUTS: Final = frozenset({"readme"})
# DescribeAlarms takes as many names.
_MOST_ALARMS: Final = 100


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where a stack's parts are read.

    Attributes:
        deployment: the stack.
        since: the time, with its zone, from which on the logs' lines count.
        until: the time before which they count.
        reports: the folder of check reports.
    """

    deployment: Deployment
    since: dt.datetime
    until: dt.datetime
    reports: Path

    def parts(self) -> Iterator[Part]:
        """Return the parts; each is read only when it is asked for."""
        yield Part(name="versions.json", read=self._versions)
        yield Part(name="configuration.json", read=self._configuration)
        yield Part(name="outputs.json", read=self._outputs)
        yield Part(name="resources.json", read=self._resources)
        yield Part(name="updates.json", read=self._updates)
        yield Part(name="service.json", read=self._service)
        yield Part(name="alarms.json", read=self._alarms)
        yield Part(name="checks.json", read=self._checks)
        for writer in self._writers():
            yield Part(name=f"{writer}.log", read=partial(self._log, writer))

    def _versions(self) -> str:
        return _json(
            {
                "pulumi engine": self.deployment.engine_version,
                "python": platform.python_version(),
                **distribution_versions(),
            }
        )

    def _configuration(self) -> str:
        return _json(self.deployment.configuration(secrets_as=BLANK))

    def _outputs(self) -> str:
        outputs = self.deployment.outputs()
        return _json({key: each for key, each in outputs.items() if key not in _LONG_OUTPUTS})

    def _resources(self) -> str:
        resources = self.deployment.state().get("resources") or []
        shown = ("urn", "id", "protect", "delete", "initErrors", "created", "modified")
        return _json(
            {
                "resources": [
                    {key: each[key] for key in shown if key in each} for each in resources
                ],
                "pending": self.deployment.pending_operations(),
            }
        )

    def _updates(self) -> str:
        return _json([asdict(each) for each in self.deployment.last_updates(_UPDATES)])

    def _service(self) -> str:
        host, aws = self._host(), self._aws()
        service = host.describe(aws, host.find(aws, self._names()))
        operations = [asdict(each) for each in host.operations(aws, service.id)]
        return _json({"service": service.described, "operations": operations})

    def _alarms(self) -> str:
        found: list[Mapping[str, Any]] = []
        for region, names in alarm_names(self.deployment.state()).items():
            aws = aws_of(self.deployment.aws_clients(region))
            described = aws(
                "cloudwatch",
                "describe_alarms",
                AlarmNames=names[:_MOST_ALARMS],
                AlarmTypes=["MetricAlarm", "CompositeAlarm"],
                MaxRecords=_MOST_ALARMS,
            )
            found += [*described["MetricAlarms"], *described["CompositeAlarms"]]
        return _json(found)

    def _checks(self) -> str:
        return load(self.deployment.stack, self.reports).model_dump_json(indent=2)

    def _writers(self) -> Iterator[Writer]:
        monitored = any(alarm_names(self.deployment.state()).values())
        yield from (each for each in Writer if monitored or each is not Writer.CANARY)

    def _log(self, writer: Writer) -> str:
        aws = self._aws()
        log = find_log(writer, aws, self._names(), self._host())
        lines = read_lines(aws, log, self.since, self.until)
        return "".join(f"{each}\n" for each in lines)

    def _aws(self) -> Aws:
        return aws_of(self.deployment.aws_clients())

    def _names(self) -> ResourceNames:
        return resource_names(self.deployment)

    def _host(self) -> HostOperations:
        settings = stack_settings(self.deployment, self.deployment.configuration())
        return HOSTS[settings.hosting]


def _json(content: object) -> str:
    # Times are in AWS's answers.
    return json.dumps(content, indent=2, default=str)
