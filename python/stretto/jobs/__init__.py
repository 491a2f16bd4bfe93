"""Different jobs at once, under one budget of threads."""

from __future__ import annotations

from stretto.jobs.job import Job, JobResult, JobResults
from stretto.jobs.meeting import together

__all__ = ["Job", "JobResult", "JobResults", "together"]
