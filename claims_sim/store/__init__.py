"""The simulation database and what is kept beside it: outbox, stream, scores, snapshots, control file."""
