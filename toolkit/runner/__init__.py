"""Runs a tracker over a whole benchmark: worker processes, resuming, failures that stop one sequence only."""

from toolkit.runner.job import Failure, SequenceReport
from toolkit.runner.pool import TrackerFactory
from toolkit.runner.run import RunSummary, run_benchmark

__all__ = ["Failure", "RunSummary", "SequenceReport", "TrackerFactory", "run_benchmark"]
