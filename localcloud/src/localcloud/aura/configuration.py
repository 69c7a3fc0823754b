"""The database's configuration: a server as locked down as Aura.

Source: Neo4j 5 operations manual, "Configuration settings"; APOC 5 manual, "Configuration
Options". A reader must reach the graph and nothing else.
"""

from typing import Final

# APOC without the procedures that read or write files, open network connections, read logs or
# install triggers. A procedure that isn't loaded can't be called by anyone.
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
    """Return the content of neo4j.conf.

    Args:
        bolt_port: the port of Bolt on the loopback interface; 0 lets the system choose.
    """
    settings = {
        "server.default_listen_address": "127.0.0.1",
        "server.bolt.listen_address": f"127.0.0.1:{bolt_port}",
        "server.http.enabled": "false",
        "server.https.enabled": "false",
        "dbms.usage_report.enabled": "false",
        "server.bolt.telemetry.enabled": "false",
        # A Neo4j started like this has the defaults of an embedded database: no authentication.
        "dbms.security.auth_enabled": "true",
        "dbms.security.allow_csv_import_from_file_urls": "false",
        # The server must not fetch anything, by LOAD CSV or by a procedure.
        "internal.dbms.cypher_ip_blocklist": "0.0.0.0/0,::/0",
        "dbms.security.procedures.allowlist": ",".join(("db.*", "dbms.*", *_APOC)),
        "dbms.security.procedures.unrestricted": "apoc.*",
        # With a heap of 512 MB: no single query may take the server down.
        "server.memory.pagecache.size": "64m",
        "dbms.memory.transaction.total.max": "256m",
        # The gateway is the only client, and disconnects before the database stops.
        "internal.dbms.bolt.netty_server_shutdown_quiet_period": "0",
        "internal.server.bolt.connection_shutdown_wait_time": "1s",
        "internal.server.bolt.thread_pool_shutdown_wait_time": "1s",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def apoc_conf() -> str:
    """Return the content of apoc.conf."""
    settings = {
        "apoc.import.file.enabled": "false",
        "apoc.import.file.use_neo4j_config": "true",
        "apoc.export.file.enabled": "false",
        "apoc.trigger.enabled": "false",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())
