"""What a caller asks of claims: a filter that every claim holds, and shares that replace the profile's own.

Plain values, shared by command line, API, run configuration and notebook. Knows no profile; `conditional.py` draws by it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.errors import RequestError

NO_PROCEDURE: Final = "none"
TEXT_FIELDS: Final = (
    "service_type", "province_name", "facility_class", "facility_ownership", "facility_type", "severity_group",
    "dx_primary_code", "procedure_code",
)  # fmt: skip
RANGE_FIELDS: Final = ("los", "amount_claimed", "admit_dt")
_SHORT_NAMES: Final = {
    "service": "service_type",
    "province": "province_name",
    "class": "facility_class",
    "ownership": "facility_ownership",
    "type": "facility_type",
    "severity": "severity_group",
    "dx": "dx_primary_code",
    "diagnosis": "dx_primary_code",
    "procedure": "procedure_code",
    "stay": "los",
    "amount": "amount_claimed",
    "date": "admit_dt",
}

Texts = tuple[str, ...]
NumberRange = tuple[float, float]


@dataclass(frozen=True, slots=True)
class ClaimFilter:
    """Conditions that a claim must hold, all of them; an empty one asks for nothing.

    Text fields list what is allowed; a code that ends in `*` stands for all codes that begin so, and the procedure
    `none` for claims without one. Ranges include both ends: days of stay, an amount in the profile's currency, local
    days of admission.
    """

    service_type: Texts = ()
    province_name: Texts = ()
    facility_class: Texts = ()
    facility_ownership: Texts = ()
    facility_type: Texts = ()
    severity_group: Texts = ()
    dx_primary_code: Texts = ()
    procedure_code: Texts = ()
    los: NumberRange | None = None
    amount_claimed: NumberRange | None = None
    admit_dt: tuple[date, date] | None = None

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return any(getattr(self, field.name) for field in fields(self))

    def __str__(self) -> str:
        """As it is written on the command line."""
        return "; ".join(self.parts())

    def parts(self) -> list[str]:
        """Each condition as it is written on the command line."""
        out = [f"{name}={','.join(getattr(self, name))}" for name in TEXT_FIELDS if getattr(self, name)]
        for name in RANGE_FIELDS:
            limits = getattr(self, name)
            if limits is not None:
                out.append(f"{name}={'..'.join(_limit_text(limit) for limit in limits)}")
        return out

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; what is not asked for is left out. `from_dict` reads it back."""
        out: dict[str, Any] = {name: list(getattr(self, name)) for name in TEXT_FIELDS if getattr(self, name)}
        for name in RANGE_FIELDS:
            limits = getattr(self, name)
            if limits is not None:
                out[name] = [_limit_text(limit) if isinstance(limit, date) else _finite(limit) for limit in limits]
        return out

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """From names (short ones too) to a value, a list of values, or [lowest, highest]; None leaves an end open.

        Raises RequestError, one line, for an unknown name or a value that is none.
        """
        found: dict[str, Any] = {}
        for given, value in document.items():
            name = _SHORT_NAMES.get(given, given)
            if name in TEXT_FIELDS:
                values = (value,) if isinstance(value, str) else value
                if not isinstance(values, Sequence) or not all(isinstance(v, str) and v.strip() for v in values):
                    raise RequestError(f"{given} takes a text or a list of texts.")
                found[name] = tuple(dict.fromkeys(v.strip() for v in values))
            elif name in RANGE_FIELDS:
                pair = value if isinstance(value, Sequence) and not isinstance(value, str) else (value, value)
                if len(pair) != 2:
                    raise RequestError(f"{given} takes one value or the lowest and the highest.")
                found[name] = _range(given, name, pair[0], pair[1])
            else:
                raise RequestError(f"Claims cannot be asked for by {given!r}; by these they can: {_names()}.")
        return cls(**found)

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Self:
        """From conditions such as `service_type=RITL`, `province=BALI,ACEH`, `los=3..5`, `dx=O8*`, `date=2026-01-05`.

        Raises RequestError, one line, when one cannot be read or a field is named twice.
        """
        document: dict[str, Any] = {}
        for text in texts:
            given, sign, value = text.partition("=")
            name = _SHORT_NAMES.get(given.strip(), given.strip())
            if not sign or not value.strip():
                raise RequestError(f"{text!r} is no condition such as service_type=RITL or los=3..5.")
            if name in document:
                raise RequestError(f"{name} is asked for twice: list its values, as in {name}=A,B.")
            if name in RANGE_FIELDS:
                low, dots, high = (part.strip() for part in value.partition(".."))
                document[name] = (low or None, high or None) if dots else (low, low)
            else:
                document[name] = [part.strip() for part in value.split(",") if part.strip()]
        return cls.from_dict(document)

    def holds(self, claims: pa.Table) -> npt.NDArray[np.bool_]:
        """Which of the flat rows `claims` hold every condition, as far as they have its column."""
        mask = np.ones(len(claims), np.bool_)
        for name in TEXT_FIELDS:
            wanted = getattr(self, name)
            if wanted and name in claims.column_names:
                mask &= matches(claims[name], wanted)
        for name in RANGE_FIELDS:
            limits = getattr(self, name)
            if limits is None or name not in claims.column_names:
                continue
            if name == "admit_dt":
                days = claims[name].to_numpy().astype("datetime64[D]")
                mask &= (days >= np.datetime64(limits[0])) & (days <= np.datetime64(limits[1]))
            else:
                values = claims[name].cast(pa.float64()).fill_null(np.nan).to_numpy()
                mask &= (values >= limits[0]) & (values <= limits[1])
        return mask


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares that replace the profile's own, for a livelier demonstration: (field, value, share) each.

    What is not named keeps its proportions within the rest. Claims made so no longer follow the source: whoever shows
    them says so.
    """

    shares: tuple[tuple[str, str, float], ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is replaced."""
        return bool(self.shares)

    def __str__(self) -> str:
        """As it is written on the command line."""
        return "; ".join(f"{name}:{value}={share:g}" for name, value, share in self.shares)

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Self:
        """From shares such as `service_type:RITL=0.6`. Raises RequestError, one line, when one cannot be read."""
        shares: list[tuple[str, str, float]] = []
        for text in texts:
            key, sign, number = text.rpartition("=")
            given, colon, value = (part.strip() for part in key.partition(":"))
            try:
                share = float(number)
            except ValueError:
                share = -1.0
            if not (sign and colon and value) or not 0 <= share <= 1:
                raise RequestError(f"{text!r} is no share such as service_type:RITL=0.6, from 0 to 1.")
            shares.append((_SHORT_NAMES.get(given, given), value, share))
        return cls.checked(shares)

    @classmethod
    def checked(cls, shares: Iterable[tuple[str, str, float]]) -> Self:
        """A mix whose fields exist and whose shares of one field are no more than 1 together; else RequestError."""
        mix = cls(tuple(shares))
        for name in mix.fields:
            if name not in TEXT_FIELDS or name == "procedure_code":
                allowed = ", ".join(field for field in TEXT_FIELDS if field != "procedure_code")
                raise RequestError(f"The mix cannot change {name!r}; it can change {allowed}.")
            if sum(mix.of(name).values()) > 1 + 1e-9:
                raise RequestError(f"The shares of {name} in the mix are more than 1 together.")
        return mix

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields whose shares are replaced."""
        return tuple(dict.fromkeys(name for name, _, _ in self.shares))

    def of(self, name: str) -> dict[str, float]:
        """The shares of one field."""
        return {value: share for field, value, share in self.shares if field == name}


NO_FILTER: Final = ClaimFilter()
NO_MIX: Final = Mix()


def matches(column: pa.Array | pa.ChunkedArray, wanted: Texts) -> npt.NDArray[np.bool_]:
    """Which values are among `wanted`: equal, or beginning with what stands before a final `*`."""
    text = column.fill_null(NO_PROCEDURE)
    mask = pc.is_in(text, value_set=pa.array(wanted, pa.string()))
    for pattern in wanted:
        if pattern.endswith("*"):
            mask = pc.or_(mask, pc.and_(pc.starts_with(text, pattern[:-1]), pc.is_valid(column)))
    return np.asarray(mask.to_numpy(zero_copy_only=False) if isinstance(mask, pa.Array) else mask.to_numpy(), np.bool_)


def _range(given: str, name: str, low: object, high: object) -> tuple[Any, Any]:
    if name == "admit_dt":
        if low is None or high is None:
            raise RequestError(f"{given} needs its first and its last day, as in {given}=2026-01-05..2026-01-11.")
        days = _day(given, low), _day(given, high)
        return _in_order(given, days, is_in_order=days[0] <= days[1])
    numbers = 0.0 if low is None else _number(given, low), float("inf") if high is None else _number(given, high)
    return _in_order(given, numbers, is_in_order=numbers[0] <= numbers[1])


def _in_order(given: str, limits: tuple[Any, Any], *, is_in_order: bool) -> tuple[Any, Any]:
    if not is_in_order:
        raise RequestError(f"{given} ends before it begins.")
    return limits


def _day(given: str, value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise RequestError(f"{given} takes days such as 2026-01-05.") from None


def _number(given: str, value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = float("nan")
    if not number >= 0:
        raise RequestError(f"{given} takes numbers of at least 0, as in {given}=3..5.")
    return number


def _finite(limit: float) -> float | None:
    return limit if np.isfinite(limit) else None


def _limit_text(limit: float | date) -> str:
    if isinstance(limit, date):
        return limit.isoformat()
    return f"{limit:.15g}" if np.isfinite(limit) else ""


def _names() -> str:
    return ", ".join((*TEXT_FIELDS, *RANGE_FIELDS))
