"""The emulated Aura: Neo4j Community behind a Bolt gateway that does Aura's single sign-on."""
