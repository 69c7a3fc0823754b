"""The emulated Aura: Neo4j Community behind a Bolt gateway with Aura's single sign-on.

`python -m localcloud.aura` (`__main__`) runs `service`, which starts the rest:

- `neo4j_process` starts Neo4j from the jars of `distribution`, with the files of `configuration`
  and the administrator of `credentials`. `die_with_parent` makes sure it never outlives its parent.
- `gateway` accepts Bolt connections over TLS and forwards them to Neo4j through `upstream`.
  `state_machine` decides what happens to each message, `roles` what a role may run, and `planner`
  gets the plans from Neo4j that `roles` decides on.
- `authentication` checks the credentials of a connection: `oidc` verifies its token against the
  settings of `sso`.
- `console` is the HTTP API that replaces Aura's page for the single sign-on settings.

The Bolt protocol itself is in `handshake`, `chunking`, `packstream` and `messages`.
"""
