"""Monitoring: the alarms, who is notified, the dashboard and the canary."""
