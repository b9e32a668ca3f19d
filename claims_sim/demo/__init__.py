"""An invented claims table to try everything on when no real one is at hand. Reads no real data."""
