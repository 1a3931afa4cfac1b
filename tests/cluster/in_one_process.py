"""The jobs of a run done one by one in this process, in place of Ray."""

from collections.abc import Iterator, Sequence

from aulens.cluster import OnRay
from aulens.cluster.settings import Setup
from aulens.cluster.worker import Worker
from aulens.output.plan import Job, Outcome


class InOneProcess(OnRay):
    def hand_out(self, jobs: Sequence[Job], setup: Setup) -> Iterator[Outcome]:
        worker = Worker(setup)
        for job in jobs:
            (text,) = worker({"job": [job.to_json()]})["outcome"]
            yield Outcome.from_json(text)
