"""Writes software bills of materials (SBOMs) in CycloneDX.

subjects       what there are SBOMs of
descriptions   describes each subject, from the files of a checkout and what a stack runs
server         what the host runs: the official binary and its files, in an image or a package
functions      the Lambda functions, and the runtime that AWS provides
distributions  what the Python programs and distributions require
deployed       what a stack runs, to refuse an SBOM of anything else

go_modules     components of a Go binary, from its build information
lock_files     the pinned requirements with their hashes
labels         the image's labels
documents      what all SBOMs have, and the same bytes for the same content
files          writes them
"""
