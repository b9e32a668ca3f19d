"""Draw claims from what a profile tells."""
