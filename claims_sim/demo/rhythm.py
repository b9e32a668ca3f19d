"""When demo claims happen: growth, weekdays, holidays, seasons and hours of the day. Local wall-clock time only."""

from datetime import date
from typing import Final

import numpy as np

from claims_sim.demo.facts import FIRST_DAY, LAST_DAY, YEARLY_GROWTH
from claims_sim.demo.lookup import Floats, Ints

DAYS: Final = np.arange(np.datetime64(FIRST_DAY), np.datetime64(LAST_DAY) + 1)
MONTHS: Final = (DAYS.astype("datetime64[M]").astype(np.int64) % 12).astype(np.int64)

# Monday to Sunday; day clinics close on Sundays, wards do not.
_WEEKDAYS: Final = ((1.14, 1.08, 1.04, 1.02, 0.98, 0.90, 0.84), (1.34, 1.22, 1.16, 1.12, 0.98, 0.62, 0.06))
_HOLIDAYS: Final = (
    date(2022, 1, 1),
    date(2022, 8, 17),
    date(2022, 12, 25),
    date(2023, 1, 1),
    date(2023, 8, 17),
    date(2023, 12, 25),
)
_LONG_HOLIDAYS: Final = ((date(2022, 4, 29), date(2022, 5, 6)), (date(2023, 4, 19), date(2023, 4, 25)))  # Idul Fitri
_ON_HOLIDAY: Final = (0.85, 0.12)

SEASONS: Final = {
    "none": (1.0,) * 12,
    "east": (1.0,) * 12,
    "rain": (1.25, 1.22, 1.14, 1.04, 0.96, 0.88, 0.84, 0.82, 0.84, 0.92, 1.02, 1.14),
    "dengue": (1.70, 1.72, 1.60, 1.30, 1.00, 0.80, 0.68, 0.58, 0.52, 0.54, 0.66, 1.00),
}

EMERGENCY, PLANNED, BIRTH, CLINIC, LEAVING = range(5)
HOURS: Final = np.array(
    [
        [2, 1.6, 1.4, 1.3, 1.4, 1.8, 2.4, 3.4, 5, 6.4, 7, 6.8, 6.2, 5.8, 5.6, 5.4, 5.4, 5.6, 6, 6.4, 6, 5, 4, 3],
        [0.1, 0.1, 0.1, 0.1, 0.1, 0.4, 2, 8, 14, 15, 12, 9, 7, 7, 7, 6, 4.5, 3, 2, 1.2, 0.8, 0.4, 0.2, 0.1],
        [
            3.6,
            3.6,
            3.6,
            3.6,
            3.7,
            3.8,
            4,
            4.4,
            4.8,
            5,
            5,
            4.8,
            4.6,
            4.4,
            4.4,
            4.3,
            4.2,
            4.2,
            4.2,
            4.2,
            4.1,
            4,
            3.8,
            3.7,
        ],
        [0, 0, 0, 0, 0, 0.2, 2, 11, 17, 17, 14, 10, 7, 6, 5, 3.5, 2.6, 2, 1.6, 0.8, 0.2, 0, 0, 0],
        [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.6, 2.5, 7, 13, 16, 15, 14, 11, 8, 5, 3, 1.6, 1, 0.5, 0.2, 0.1, 0.1],
    ]
)


def cumulative_days(service: int) -> Floats:
    """The share of a service's claims up to each day's start: one more entry than there are days, from 0 to 1."""
    # 1970-01-01 was a Thursday.
    weekday = (DAYS.astype(np.int64) + 3) % 7
    busy = np.array(_WEEKDAYS[service])[weekday] * YEARLY_GROWTH ** (np.arange(len(DAYS)) / 365)
    closed = np.isin(DAYS, np.array(_HOLIDAYS, dtype="datetime64[D]"))
    for first, last in _LONG_HOLIDAYS:
        closed |= (np.datetime64(first) <= DAYS) & (np.datetime64(last) >= DAYS)
    busy[closed] *= _ON_HOLIDAY[service]
    shares = np.concatenate([[0.0], np.cumsum(busy)])
    return np.asarray(shares / shares[-1])


def first_rows(service: int, rows: int) -> Ints:
    """For each day's start, the first of `rows` rows of a service that lies on or after it; the last entry is `rows`.

    Row j stands at share (j + 1/2) / rows of the period: rows are in the order of days, and every day has its due.
    """
    first = np.ceil(cumulative_days(service) * rows - 0.5).astype(np.int64)
    return np.clip(first, 0, rows)
