"""The settings' schema, how files are read, and the YAML that ships: agents and templates."""
