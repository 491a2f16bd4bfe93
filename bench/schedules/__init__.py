"""Benches of schedules: what was chosen against what was best, predictions, overheads, streams and slow calls."""
