"""EC2: the account's network, with ministack as the store.

Its modules:

    app     the API in front of ministack's: refuses what the stand-in doesn't support
    rules   what EC2 refuses and ministack doesn't. Pure
    prefix_lists  keeps the prefix lists in security group rules
"""
