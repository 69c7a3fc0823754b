"""CloudWatch Logs: metric filters, which ministack stores and never applies, and encryption.

Its modules:

    app             the API, in front of ministack's
    encryption      which keys may encrypt a log group
    store           ministack's log store: reports the events that it receives
    metric_filters  the filters of all groups, applied to these events
    metric_filter   what a filter makes of an event. Pure
    patterns        filter patterns. Pure; `terms_pattern`, `json_pattern` and `delimited_pattern`
                    are their kinds, and `matching` is what these share
"""
