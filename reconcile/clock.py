"""The one clock by which the product decides what is due: the database's, because those of its machines differ."""

from datetime import datetime

from django.db import connection


def read_clock() -> datetime:
    """Give the database's time of this moment, aware and in UTC; it moves on inside a transaction too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    return now  # type: ignore[no-any-return]
