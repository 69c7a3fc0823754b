"""CloudWatch: metrics, alarms, mute rules and dashboards.

app                  the API over HTTP
service              puts the parts together
operations           finds the handler of an operation

metrics              what identifies a metric, and what PutMetricData accepts. Pure
statistics           statistics and percentiles of values. Pure
store                the values of all metrics
expressions          metric math. Pure
queries              the queries of GetMetricData and of alarms
metric_operations    the API of metrics

states, alarms       alarms and their states
metric_alarm_rules   what PutMetricAlarm accepts. Pure
composite_rules      the rules of composite alarms. Pure
evaluation           decides a metric alarm's state. Pure
suppression          whether a composite alarm's actions are suppressed. Pure
mutes                mute rules
messages             what alarms send to their actions. Pure
history              what happened to alarms
actions              executes actions, which are SNS topics and Lambda functions
monitor              evaluates alarms, and executes their actions
alarm_operations     the API of alarms; mute_operations that of mute rules; tags that of tags

dashboards           what dashboards may contain. Pure; dashboard_operations is their API
"""
