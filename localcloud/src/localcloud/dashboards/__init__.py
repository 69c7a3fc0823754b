"""Renders a dashboard of the stand-in's CloudWatch as a page, as its console would.

body     what a dashboard shows, from its JSON. Pure
reading  reads dashboards, metrics and alarms through boto3
charts   draws graphs. Pure
page     the page, with everything in it. Pure
"""
