"""A stand-in cloud on one machine: AWS with App Runner, Neo4j Aura and Pulumi's engine.

Who starts whom: `python -m localcloud` (`cli`) calls `cloud`, which checks `prerequisites` and
`ports`, gets a Docker Engine (`docker_engine`) and the Pulumi CLI (`engine`), and starts three
`services` as background processes (`processes`). Each reports its addresses once it serves
(`readiness`).

The services, each a package that also runs alone:

    aws             `python -m localcloud.aws`: the AWS endpoint, with App Runner
    aura            `python -m localcloud.aura`: Neo4j behind a gateway with single sign-on
    providers       `python -m localcloud.providers`: Pulumi's aws, docker and random providers

Starting and stopping:

    __main__        runs cli, or reports what isn't installed
    cli             the commands up, status, env, down, dashboard, pause-, resume- and
                    connect-database
    cloud           what runs, and starting and stopping all of it
    services        the command line of each service
    processes       background processes: start, find, stop
    readiness       how a service reports that it serves
    turns           one command at a time works on a stand-in
    docker_engine   the person's Docker Engine, or the stand-in's own
    engine          the Pulumi CLI, from PATH or built from its Go modules
    toolchains      Go, Java and Maven, from PATH or installed
    debian          Debian packages
    prerequisites   what a start would be missing, before it begins
    ports           the ports and who listens on them

State:

    paths           the folders and files of a stand-in
    workspace       Pulumi.yaml and Pulumi.local.yaml with the stand-in's addresses
    access_key      the access key of the AWS account
    certificates    the certificate authority
    trust           the certificate bundle of a person's shell
    console         applies single sign-on settings in Aura's console
    dashboards      renders dashboards of CloudWatch as pages

For all of them:

    errors          the base of all errors that a person can cause
    failures        turns errors into one message and an exit status
    interruption    signals and closed outputs
    progress        steps with their durations
    terminal        consoles that print text literally
    cancellation    threads that stop waiting for other processes
    commands        child processes with a time limit
    files           atomic writes
    labels          the label of what a stand-in creates in Docker
    locks           locks between processes
    loopback        who may send requests to a server on this machine
    version         the version
"""
