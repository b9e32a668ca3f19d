"""What would identify a person, and the scans that look for it."""
