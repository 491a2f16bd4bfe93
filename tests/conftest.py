"""What holds for all tests."""

import os

# A hang says what every worker does, before the run is given up.
os.environ.setdefault("STRETTO_WATCHDOG", "20")
