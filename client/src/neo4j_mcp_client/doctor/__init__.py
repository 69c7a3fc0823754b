"""Finds the first fault between a caller and the database.

`probes`, `server`, `bolt` and `hosts` (with `app_runner` and `lambda_`) collect evidence, and
`evidence` has its types. `judging` turns evidence into verdicts, `faults` lists the faults with
their fixes, and `examination` checks the hops in order.
"""
