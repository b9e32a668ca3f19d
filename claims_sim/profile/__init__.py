"""What the real table looks like: its aggregates (the only thing that leaves the insurer's zone) and their sampler."""
