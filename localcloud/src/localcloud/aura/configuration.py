"""The database's configuration: a server locked down as Aura is.

Source: Neo4j 5 operations manual, "Configuration settings"; APOC 5 manual, "Configuration
Options". A reader must reach the graph and nothing besides.
"""

from typing import Final

# APOC, less what reads or writes files, opens network connections, reads logs or installs
# triggers. Whatever is not loaded can't be called, whoever asks and however.
_APOC: Final = (
    "apoc.agg.*",
    "apoc.algo.*",
    "apoc.any.*",
    "apoc.atomic.*",
    "apoc.bitwise.*",
    "apoc.case",
    "apoc.coll.*",
    "apoc.convert.*",
    "apoc.create.*",
    "apoc.cypher.*",
    "apoc.data.*",
    "apoc.date.*",
    "apoc.diff.*",
    "apoc.do.*",
    "apoc.example.*",
    "apoc.graph.*",
    "apoc.hashing.*",
    "apoc.help",
    "apoc.json.*",
    "apoc.label.*",
    "apoc.lock.*",
    "apoc.map.*",
    "apoc.math.*",
    "apoc.merge.*",
    "apoc.meta.*",
    "apoc.neighbors.*",
    "apoc.node.*",
    "apoc.nodes.*",
    "apoc.number.*",
    "apoc.path.*",
    "apoc.paths.*",
    "apoc.periodic.*",
    "apoc.refactor.*",
    "apoc.rel.*",
    "apoc.schema.*",
    "apoc.scoring.*",
    "apoc.search.*",
    "apoc.spatial.sortByDistance",
    "apoc.stats.*",
    "apoc.temporal.*",
    "apoc.text.*",
    "apoc.util.*",
    "apoc.version",
    "apoc.when",
    "apoc.xml.parse",
)


def neo4j_conf(*, bolt_port: int) -> str:
    """Write neo4j.conf.

    Args:
        bolt_port: the port of Bolt on the loopback interface; 0 lets the system choose.

    Returns:
        The file's content.
    """
    settings = {
        "server.default_listen_address": "127.0.0.1",
        "server.bolt.listen_address": f"127.0.0.1:{bolt_port}",
        "server.http.enabled": "false",
        "server.https.enabled": "false",
        "dbms.usage_report.enabled": "false",
        "server.bolt.telemetry.enabled": "false",
        # Neo4j without authentication has the defaults of an embedded database.
        "dbms.security.auth_enabled": "true",
        "dbms.security.allow_csv_import_from_file_urls": "false",
        # No fetch by the server, whether by LOAD CSV or by a procedure.
        "internal.dbms.cypher_ip_blocklist": "0.0.0.0/0,::/0",
        "dbms.security.procedures.allowlist": ",".join(("db.*", "dbms.*", *_APOC)),
        "dbms.security.procedures.unrestricted": "apoc.*",
        # Beside a heap of 512 MB: one query must not take the server down.
        "server.memory.pagecache.size": "64m",
        "dbms.memory.transaction.total.max": "256m",
        # The gateway is the only client, and has gone when the database stops.
        "internal.dbms.bolt.netty_server_shutdown_quiet_period": "0",
        "internal.server.bolt.connection_shutdown_wait_time": "1s",
        "internal.server.bolt.thread_pool_shutdown_wait_time": "1s",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def apoc_conf() -> str:
    """Write apoc.conf.

    Returns:
        The file's content.
    """
    settings = {
        "apoc.import.file.enabled": "false",
        "apoc.import.file.use_neo4j_config": "true",
        "apoc.export.file.enabled": "false",
        "apoc.trigger.enabled": "false",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())
