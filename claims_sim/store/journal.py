"""The write-ahead journal of the small SQLite files beside the database."""

import sqlite3
import time
from typing import Final

_POLL_S: Final = 0.01
_KIND: Final = 0xFF  # an extended code says more behind it


def write_ahead(connection: sqlite3.Connection, patience_s: float) -> None:
    """Let readers and one writer work on the file at once, from the first opening on.

    SQLite waits for others by its own timeout, except in the switch to this journal: there it gives up at once, and
    two that open a new file at the same moment would meet. Raises sqlite3.OperationalError where the file is still
    locked after `patience_s` seconds.
    """
    until = time.monotonic() + patience_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _KIND != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_POLL_S)
        else:
            return
