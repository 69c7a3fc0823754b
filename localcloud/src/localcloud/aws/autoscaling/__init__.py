"""Application Auto Scaling: ECS services that follow a metric.

Its modules:

    app             the API over HTTP
    operations      the API's operations
    rules           what requests must satisfy. Pure
    models          scalable targets, policies and activities
    descriptions    the shapes of the API. Pure
    tracking        what target tracking decides from a metric. Pure
    scaler          reads the metrics regularly, and changes the services
    resources       the services and metrics, read and changed through the endpoint
"""
