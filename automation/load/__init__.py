"""Load on a deployed stack, and what it measures.

mix       which calls are made, read from a file
plan      when they are due: phases with a rate, or a number of concurrent callers
vegeta    the program that makes them, installed on first use
engine    runs vegeta, and reads what it recorded
tokens    a token that is renewed while calls are made
results   what the calls add up to
run       puts these together for a stack
"""
