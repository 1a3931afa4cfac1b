"""The jobs of a run done one by one in this process, in place of Ray."""

from collections.abc import Iterator, Sequence

from aulens.cluster.jobs import Job, Outcome
from aulens.cluster.settings import ClusterSettings, Setup
from aulens.cluster.worker import Worker


def outcomes_here(jobs: Sequence[Job], setup: Setup, cluster: ClusterSettings) -> Iterator[Outcome]:
    worker = Worker(setup)
    for job in jobs:
        (text,) = worker({"job": [job.to_json()]})["outcome"]
        yield Outcome.from_json(text)
