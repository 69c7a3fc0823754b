"""Questions about AWS's behavior that anybody with an account can answer: `automation probe`.

The stand-in is compared with the answers, and until there are some, with AWS's documents.

    probe         what a probe is
    families/     the probes themselves
    registry      all of them, by key
    sandbox       where a probe works: clients, names, resources that are removed at the end
    kinds         the kinds of resources, and what a killed run has left of them
    runner        runs probes
    recordings    what a probe observed, as a file
    placeholders  blanks what identifies an account, and secrets. Pure
    comparison    compares an observation with documents or a recording. Pure
    evidence      what docs/parity.md shows for each row. Pure
    grants        what the role `probe` may do. Pure
    printing      tables for the terminal, and JSON
"""
