"""The hosts, as the automation reads and changes them: one module per host behind one interface.

host         the interface
hosts        every host's operations, by the value of the configuration key hosting
apprunner, fargate, lambda_    one host each
logs         the end of a log
health       whether a service answers
instances    the running instances, where this machine runs them
containers, environments    the two kinds of instances
"""
