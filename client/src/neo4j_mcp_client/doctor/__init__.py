"""Finds the first thing that is wrong on the way from a caller to the database.

`evidence` holds what was seen, `judging` decides what it means, `faults` says how to mend it,
`probes`, `server`, `bolt` and `apprunner` go and look, and `examination` walks the hops in order.
"""
