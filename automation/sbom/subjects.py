"""What there are SBOMs of, and in which versions of CycloneDX."""

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


class SpecVersion(enum.StrEnum):
    """A version of the specification of CycloneDX."""

    V1_5 = "1.5"
    V1_6 = "1.6"
