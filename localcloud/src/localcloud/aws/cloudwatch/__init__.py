"""CloudWatch: metrics, alarms, mute rules and dashboards.

app                  the API over HTTP
service              puts the parts together
operations           finds the handler of an operation
clock                real time, which tests can move forward

metrics              what identifies a metric, and what PutMetricData accepts. Pure
statistics           statistics and percentiles of values. Pure
store                the values of all metrics
queries              the queries of GetMetricData and of alarms
metric_operations    the API of metrics
"""
