"""Files: whole or absent, tables with a schema, manifests, parts; the one door for weights."""
