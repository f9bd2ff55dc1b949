"""Make the forecast of the sample company anew: `python -m tests.keep_sample`, after a change of method or sample."""

from data.catalog import NO_DECISIONS
from data.read import read_inputs
from data.sample import SAMPLE_AS_OF, keep_forecast, sample_sources
from data.snapshot import snapshot_id
from planning import pipeline
from planning.params import Params


def main() -> None:
    """Fit the sample with default parameters and keep the result beside its files."""
    frames = read_inputs(sample_sources()).frames
    made = snapshot_id(frames)
    key = pipeline.fit_key(frames, made, NO_DECISIONS, SAMPLE_AS_OF, Params())
    keep_forecast(key, pipeline.fit(frames, SAMPLE_AS_OF, Params()).to_bytes())


if __name__ == "__main__":
    main()
