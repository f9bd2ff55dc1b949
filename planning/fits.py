"""What the heavy stage keeps: demand, its season, and what each model would have forecast from each past morning."""

import io
import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from planning.calendar import Calendar
from planning.season import Season


@dataclass(frozen=True)
class Library:
    """Forecasts of the models that have to be fitted anew at each origin, of the m rows that were worth it.

    rows : which item-locations, (m,).
    models : names, (x,).
    columns : which of the origins, newest first, (k,); today comes after them.
    paths : deseasonalised forecast by bucket ahead, units, NaN where a fit failed, (m, x, k + 1, h).
    """

    rows: np.ndarray
    models: tuple[str, ...]
    columns: np.ndarray
    paths: np.ndarray


NO_LIBRARY = Library(np.zeros(0, int), (), np.zeros(0, int), np.zeros((0, 0, 1, 1), np.float32))


@dataclass(frozen=True)
class Fits:
    """What the heavy stage keeps. n item-locations, T past buckets, H future ones, K origins, M family members.

    keys : item_id, location_id.
    sales, demand : units by bucket, (n, T); demand is NaN where unknown.
    active, outlier, event, closed : flags by bucket, (n, T); closed: the location sold nothing at all.
    season : the shared shapes, as known at each cut of the history; the last cut is today's.
    factor : of events, launch and end of sale on each bucket, (n, T + H).
    members : names of the family's members, (M,).
    levels : deseasonalised level by member and origin, the last column is today's, (n, M, K + 1).
    origins : buckets known at each origin, (K,), newest first.
    cut : cut of the season that each origin uses, (K,).
    demand_class : smooth, intermittent, erratic, lumpy or none, (n,).
    reason : code of what makes a row's forecast doubtful, empty where nothing does, (n,).
    own, own_share : the user's own forecast by future bucket, and the share of its days that it covers, (n, H).
    firm : known customer orders by future bucket, (n, H).
    effects : what past events were told to do and did (see `planning.events.event_effects`).
    """

    keys: pd.DataFrame
    calendar: Calendar
    sales: np.ndarray
    demand: np.ndarray
    active: np.ndarray
    outlier: np.ndarray
    event: np.ndarray
    closed: np.ndarray
    season: Season
    factor: np.ndarray
    members: tuple[str, ...]
    levels: np.ndarray
    origins: np.ndarray
    cut: np.ndarray
    demand_class: np.ndarray
    reason: np.ndarray
    whole: np.ndarray
    own: np.ndarray
    own_share: np.ndarray
    firm: np.ndarray
    notes: tuple[str, ...]
    effects: pd.DataFrame
    library: Library = field(default_factory=lambda: NO_LIBRARY)

    _ARRAYS = (
        "sales",
        "demand",
        "active",
        "outlier",
        "event",
        "closed",
        "factor",
        "levels",
        "origins",
        "cut",
        "demand_class",
        "reason",
        "whole",
        "own",
        "own_share",
        "firm",
    )

    @property
    def periods(self) -> int:
        """Past buckets."""
        return int(self.demand.shape[1])

    @property
    def horizon(self) -> int:
        """Future buckets."""
        return int(self.factor.shape[1] - self.periods)

    def index(self, cut: int = -1, columns: slice = slice(None)) -> np.ndarray:
        """Return what each bucket's demand is to the level, season and events, as known at a cut, (n, columns)."""
        return np.asarray(self.season.factors(cut, columns=columns) * self.factor[:, columns])

    def to_bytes(self) -> bytes:
        """Return the fits as one compressed archive; the same fits give the same bytes."""
        c = self.calendar
        head = {
            "item_id": list(self.keys["item_id"]),
            "location_id": list(self.keys["location_id"]),
            "calendar": [c.as_of.isoformat(), c.bucket_days, c.periods, c.gap_days, c.weekly_data],
            "notes": list(self.notes),
            "members": list(self.members),
            "models": list(self.library.models),
            "layers": len(self.season.tables),
            "effects": json.loads(self.effects.to_json(orient="split", date_format="iso", double_precision=15)),
        }
        out = io.BytesIO()
        text = np.frombuffer(json.dumps(head).encode(), np.uint8)
        arrays: dict[str, Any] = {name: getattr(self, name) for name in self._ARRAYS}
        arrays |= {f"season_{k}": table for k, table in enumerate(self.season.tables)}
        arrays |= {"season_codes": self.season.codes, "season_position": self.season.position}
        arrays |= {f"library_{name}": getattr(self.library, name) for name in ("rows", "columns", "paths")}
        np.savez_compressed(out, head=text, **arrays)
        return out.getvalue()

    @classmethod
    def from_bytes(cls, kept: bytes) -> "Fits":
        """Read what `to_bytes` wrote."""
        with np.load(io.BytesIO(kept), allow_pickle=False) as archive:
            head = json.loads(archive["head"].tobytes().decode())
            arrays = {name: archive[name] for name in cls._ARRAYS}
            tables = tuple(archive[f"season_{k}"] for k in range(head["layers"]))
            season = Season(archive["season_codes"], archive["season_position"], tables)
            fitted = (archive[f"library_{name}"] for name in ("rows", "columns", "paths"))
            rows, columns, paths = fitted
        as_of, bucket_days, periods, gap, weekly = head["calendar"]
        return cls(
            keys=pd.DataFrame({"item_id": head["item_id"], "location_id": head["location_id"]}, dtype="object"),
            calendar=Calendar(date.fromisoformat(as_of), bucket_days, periods, gap, weekly_data=weekly),
            notes=tuple(head["notes"]),
            effects=_effects(head["effects"]),
            members=tuple(head["members"]),
            season=season,
            library=Library(rows, tuple(head["models"]), columns, paths),
            **arrays,
        )


def _effects(kept: dict[str, list[Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(kept["data"], columns=kept["columns"])
    # Not through nanoseconds: these hold no year before 1678, which a typing error may well be.
    days = {
        name: [np.datetime64("NaT") if day is None else np.datetime64(day[:10]) for day in frame[name]]
        for name in ("starts_on", "ends_on")
        if name in frame
    }
    return frame.assign(**{name: np.array(told, "datetime64[s]") for name, told in days.items()})
