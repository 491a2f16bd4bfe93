"""Shapes that tests of the ops share; the published cases of the benches are in ``stretto.bench.cases``."""
