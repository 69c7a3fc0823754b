"""How large a stack has to be for a rate of calls and a latency.

measurements  what was measured, as data
calibration   measures a stack, and reads and saves the measurements
expense       how long measuring takes, and what it costs
model         latency and throughput of an instance under load
fit           the model's parameters, and how well it predicts
sizing        a host's settings for a goal
printing      prints both
tables        the tables of docs/performance.md
"""
