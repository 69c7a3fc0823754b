"""The probes themselves: a module for each service or for what is tried with the same resources."""
