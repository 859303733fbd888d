"""Whether any units make the artifacts: candidates, judges, effects, what was found."""
