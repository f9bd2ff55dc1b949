"""What every test runs under."""

from hypothesis import settings

# The same examples on every machine, and no failure for a slow one.
settings.register_profile("stockcast", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("stockcast")
