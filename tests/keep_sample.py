"""Make what is kept with the sample anew: `python -m tests.keep_sample`, after a change of method or sample."""

from data.catalog import NO_DECISIONS
from data.read import read_inputs
from data.sample import SAMPLE_AS_OF, keep_forecast, keep_snapshot, sample_sources
from data.service import fingerprint
from data.snapshot import build_snapshot, write_snapshot
from planning import pipeline
from planning.params import Params


def main() -> None:
    """Keep the sample's snapshot, and its forecast with default parameters, beside its files."""
    sources = sample_sources()
    read = read_inputs(sources)
    made = build_snapshot(read.frames)
    write_snapshot(made, keep_snapshot(fingerprint(sources), made.id, {"rows": read.rows, "notes": read.notes}))
    key = pipeline.fit_key(read.frames, made.id, NO_DECISIONS, SAMPLE_AS_OF, Params())
    keep_forecast(key, pipeline.fit(read.frames, SAMPLE_AS_OF, Params()).to_bytes())


if __name__ == "__main__":
    main()
