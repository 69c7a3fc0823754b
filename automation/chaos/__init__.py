"""Writes while each dependency of a stack fails in turn, compared with the database afterwards.

faults       which faults there are, how each is made, and what callers may see
token_fault  a token endpoint on this machine that can fail
toxiproxy    the program that makes network faults, built on first use
database     the database's address, taken by toxiproxy
detour       the server's address, reached by callers through toxiproxy
writers      callers that write, each write with an id
writes       what the writes add up to, and what is wrong with them
bounds       how long a call may take
figures      what docs/resilience.md shows of a run
run          puts these together for a stack
"""
