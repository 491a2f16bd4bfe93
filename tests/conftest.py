"""What holds for all tests."""

import os
import tempfile

# A hang says what every worker does, before the run is given up.
os.environ.setdefault("STRETTO_WATCHDOG", "20")

# What calibration measures is not the user's to keep.
cache = tempfile.TemporaryDirectory()
os.environ["STRETTO_CACHE"] = cache.name
