"""Evaluates alarms, and executes their actions."""

import asyncio
import datetime as dt
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from localcloud.aws.cloudwatch import actions, evaluation, messages
from localcloud.aws.cloudwatch.actions import Execute
from localcloud.aws.cloudwatch.alarms import Alarm, Alarms, CompositeAlarm, MetricAlarm
from localcloud.aws.cloudwatch.evaluation import Point, Verdict
from localcloud.aws.cloudwatch.history import History
from localcloud.aws.cloudwatch.messages import Change
from localcloud.aws.cloudwatch.metric_alarm_rules import watched_metric
from localcloud.aws.cloudwatch.mutes import MuteRules
from localcloud.aws.cloudwatch.queries import Window, distributions
from localcloud.aws.cloudwatch.states import State, StateRecord
from localcloud.aws.cloudwatch.store import MetricStore
from localcloud.aws.cloudwatch.suppression import suppressed_by
from localcloud.aws.context import ServiceContext
from localcloud.aws.movable_clock import MINUTE, MovableClock

_LOG = logging.getLogger(__name__)
_SHORTEST: Final = 10
"""Seconds between the evaluations of an alarm with periods below a minute."""


@dataclass(frozen=True, kw_only=True)
class Stores:
    """What the monitor reads and changes."""

    metrics: MetricStore
    alarms: Alarms
    mutes: MuteRules
    history: History


class Monitor:
    """Evaluates alarms, and executes their actions."""

    def __init__(
        self, stores: Stores, clock: MovableClock, context: ServiceContext, execute: Execute
    ) -> None:
        """Evaluate nothing yet."""
        self._stores = stores
        self._clock = clock
        self._context = context
        self._execute = execute
        self._changed: set[str] = set()
        self._evaluating = asyncio.Lock()

    def reconsider(self, composite: str) -> None:
        """Evaluate a composite alarm in the next round, although no alarm of its rule changes."""
        self._changed.add(composite)

    async def evaluate(self) -> None:
        """Evaluate all alarms as of now, and execute the actions that are due.

        Whoever moves the clock waits for the actions of an evaluation that has begun.
        """
        async with self._evaluating:
            # A request can change the alarms during an action, so each is looked up again.
            for name in self._stores.alarms.names():
                alarm = self._stores.alarms.find(name)
                if isinstance(alarm, MetricAlarm):
                    await self._evaluate_metric(alarm)
            await self._evaluate_composites()
            for name in self._stores.alarms.names():
                alarm = self._stores.alarms.find(name)
                if alarm is not None:
                    await self._release(alarm)

    async def set_state(
        self, alarm: Alarm, state: State, *, reason: str, reason_data: str | None
    ) -> None:
        """Change an alarm's state, and execute its actions unless they are held."""
        now = self._clock.now()
        after = alarm.state.followed_by(state, reason=reason, reason_data=reason_data, now=now)
        changed = replace(alarm, state=after)
        if state is alarm.state.value:
            self._stores.alarms.put(changed)
            return
        self._stores.history.transitioned(changed, alarm.state, now=now)
        held = self._is_held(changed)
        if held and changed.held_from is None:
            changed = replace(changed, held_from=alarm.state.value)
        self._stores.alarms.put(changed)
        self._changed.update(each.name for each in self._stores.alarms.parents(changed))
        if not held:
            await self._act(changed, alarm.state)

    async def _evaluate_metric(self, alarm: MetricAlarm) -> None:
        points = self._points(alarm)
        verdict = evaluation.evaluate(points, alarm.rule)
        if verdict.state is None or verdict.state is alarm.state.value:
            return
        await self.set_state(
            alarm,
            verdict.state,
            reason=evaluation.reason(verdict, alarm.rule, alarm.state.value),
            reason_data=self._reason_data(alarm, points, verdict),
        )

    def _points(self, alarm: MetricAlarm) -> list[Point]:
        """Return the last complete periods, which end with a minute ("sliding window")."""
        step = MINUTE if alarm.period >= MINUTE else _SHORTEST
        end = self._clock.now() // step * step
        count = alarm.rule.periods + evaluation.EXTRA_PERIODS
        window = Window(start=end - count * alarm.period, period=alarm.period, count=count)
        series = alarm.queries.results(self._stores.metrics, window)[alarm.watched]
        samples: list[float | None] = [None] * count
        if query := watched_metric(alarm.queries, alarm.watched):
            found = distributions(self._stores.metrics, query, window)
            samples = [each.count if each else None for each in found]
        return [
            Point(start=start, value=value, samples=sample)
            for start, value, sample in zip(window.times, series, samples, strict=True)
        ]

    def _reason_data(
        self, alarm: MetricAlarm, points: Sequence[Point], verdict: Verdict
    ) -> str | None:
        query = watched_metric(alarm.queries, alarm.watched)
        statistic = {"statistic": query.statistic.name} if query else {}
        return json.dumps(
            {
                "version": "1.0",
                "queryDate": self._text(self._clock.now()),
                "startDate": self._text(points[0].start),
                **statistic,
                "period": alarm.period,
                "recentDatapoints": [each.value for each in points if each.value is not None],
                "threshold": alarm.rule.threshold,
                "evaluatedDatapoints": [
                    {"timestamp": self._text(each.start), "value": each.value}
                    for each in verdict.evaluated
                ],
            }
        )

    async def _evaluate_composites(self) -> None:
        """Evaluate the composite alarms of which an alarm has changed, until none does.

        As on AWS, alarms that depend on themselves aren't evaluated.
        """
        while self._changed:
            alarm = self._stores.alarms.find(self._changed.pop())
            if isinstance(alarm, CompositeAlarm) and not self._stores.alarms.is_cyclic(alarm):
                await self._evaluate_composite(alarm)

    async def _evaluate_composite(self, alarm: CompositeAlarm) -> None:
        is_true = alarm.expression.holds(self._state_of)
        state = State.ALARM if is_true else State.OK
        if state is alarm.state.value:
            return
        triggers = self._triggers(alarm, state)
        if alarm.state.value is State.INSUFFICIENT_DATA or not triggers:
            reason = f"{alarm.arn} was created and its alarm rule evaluates to {state}"
        else:
            child = max(triggers, key=lambda each: each.state.transitioned)
            time = self._clock.to_client(child.state.transitioned)
            when = dt.datetime.fromtimestamp(time, dt.UTC)
            reason = (
                f"{child.arn} transitioned to {child.state.value} at"
                f" {when:%A %d %B, %Y %H:%M:%S} UTC"
            )
        data = {
            "triggeringAlarms": [
                {
                    "arn": each.arn,
                    "state": {
                        "value": each.state.value,
                        "timestamp": self._text(each.state.transitioned),
                    },
                }
                for each in triggers
            ]
        }
        await self.set_state(alarm, state, reason=reason, reason_data=json.dumps(data))

    def _triggers(self, alarm: CompositeAlarm, state: State) -> list[Alarm]:
        """Return the alarms that explain a state: those in ALARM, or the last that changed."""
        children = self._stores.alarms.children(alarm)
        in_alarm = [each for each in children if each.state.value is State.ALARM]
        if state is State.ALARM and in_alarm:
            return in_alarm
        return sorted(children, key=lambda each: each.state.transitioned)[-1:]

    def _text(self, time: float) -> str:
        return messages.timestamp(self._clock.to_client(time))

    def _state_of(self, name: str) -> State | None:
        found = self._stores.alarms.find(name)
        return found.state.value if found else None

    def _is_held(self, alarm: Alarm) -> bool:
        """Return whether an alarm's actions are muted or suppressed now."""
        now = self._clock.now()
        if self._stores.mutes.are_muting(alarm.name, now):
            return True
        return (
            isinstance(alarm, CompositeAlarm)
            and suppressed_by(alarm, self._suppressor(alarm), now) is not None
        )

    def _suppressor(self, alarm: CompositeAlarm) -> StateRecord | None:
        found = self._stores.alarms.find(alarm.suppressor.alarm) if alarm.suppressor else None
        return found.state if found else None

    async def _release(self, alarm: Alarm) -> None:
        """Execute actions that were held, once they aren't any more.

        An alarm that is in the state again from which it changed has nothing to report.
        """
        before = alarm.held_from
        if before is None or self._is_held(alarm):
            return
        released = replace(alarm, held_from=None)
        self._stores.alarms.put(released)
        if before is not alarm.state.value:
            await self._act(released, replace(alarm.state, value=before))

    async def _act(self, alarm: Alarm, before: StateRecord) -> None:
        triggers = (
            self._triggers(alarm, alarm.state.value) if isinstance(alarm, CompositeAlarm) else []
        )
        change = Change(alarm=alarm, before=before, triggers=triggers, offset=self._clock.offset)
        region, account_id = self._context.region, self._context.account_id
        for action in alarm.actions(alarm.state.value):
            to_text = messages.event if actions.is_function(action) else messages.notification
            message = to_text(change, account_id=account_id, region=region)
            subject = messages.subject(change, region)
            try:
                failure = await self._execute(action, alarm.arn, subject, message)
            except Exception as error:  # the other actions must be executed  # noqa: BLE001
                _LOG.exception("action %s of the alarm %s failed", action, alarm.name)
                failure = str(error)
            self._stores.history.acted(alarm, action, failure, now=self._clock.now())
