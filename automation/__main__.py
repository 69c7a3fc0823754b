"""`python -m automation`: deploy a stack, check it, report, destroy it.

The same commands drive every stack. Which backend, cloud and database they reach is the
environment's to say: PULUMI_*, AWS_*, SSL_CERT_FILE and NEO4J_URI. For the stand-in cloud,
`eval "$(make -s env)"` sets them.

Exit status: 0 all is well; 1 a check failed, a rule is broken, something drifted or the person
said no; 2 the command line is wrong; 3 it could not be carried out; 130 interrupted.
"""

from automation.commands import main

if __name__ == "__main__":
    main()
