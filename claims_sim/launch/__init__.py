"""Starting, watching and stopping the servers of `claims-sim up`. Talks to Dagster as its users do; imports none of it."""
