"""What there are SBOMs of."""

import enum


class Subject(enum.StrEnum):
    """What an SBOM describes."""

    SERVER = "server"
    FUNCTIONS = "functions"
    PROGRAM = "program"
    AUTOMATION = "automation"
    CLIENT = "client"
    LOCALCLOUD = "localcloud"
    DEVELOPMENT = "development"
