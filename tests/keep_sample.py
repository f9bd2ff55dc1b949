"""Make what is kept with the sample anew: `python -m tests.keep_sample`, after a change of method or sample."""

import os
from datetime import timedelta

from data.catalog import NO_DECISIONS
from data.read import read_inputs
from data.sample import KNOWN, SAMPLE_AS_OF, keep_forecast, keep_snapshot, sample_sources
from data.service import fingerprint
from data.snapshot import build_snapshot, write_snapshot
from planning import engine, pipeline
from planning.params import Params
from planning.replay_known import LEARN_EVERY, build_known
from planning.replay_told import USUAL_WEEKS, known_from


def main() -> None:
    """Keep the sample's snapshot, and its forecasts of today and of past mornings with default parameters."""
    sources = sample_sources()
    read = read_inputs(sources)
    made = build_snapshot(read.frames)
    write_snapshot(made, keep_snapshot(fingerprint(sources), made.id, {"rows": read.rows, "notes": read.notes}))
    key = pipeline.fit_key(read.frames, made.id, NO_DECISIONS, SAMPLE_AS_OF, Params())
    fits = pipeline.fit(read.frames, SAMPLE_AS_OF, Params())
    keep_forecast(key, fits.to_bytes())
    first = known_from(fits, SAMPLE_AS_OF, SAMPLE_AS_OF - timedelta(weeks=USUAL_WEEKS))
    told = f"known then {first} {LEARN_EVERY} {NO_DECISIONS}"
    run = engine.pool(os.cpu_count() or 1)
    known = build_known(read.frames, SAMPLE_AS_OF, Params(), first=first, every=LEARN_EVERY, fits=fits, run=run)
    keep_forecast(pipeline.base_key(made.id, told, SAMPLE_AS_OF, Params()), known.to_bytes(), KNOWN)


if __name__ == "__main__":
    main()
