"""Numbered SQL files, applied once each, in order; a released one is never edited (its checksum is recorded)."""
