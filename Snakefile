# The graph of dvc.yaml for a scheduler: every stage that DVC runs becomes one rule, and nothing is
# said twice. What is stale is DVC's answer (workflow/graph.py); a job is that stage under DVC, so
# `dvc repro` and `snakemake --cores N` can follow each other in any order, with no flag.
from pathlib import Path

from workflow.graph import GraphError, read_graph
from workflow.locks import hold_head
from workflow.mend import mend


report: "workflow/report/workflow.rst"


shards = config.get("shards", 1)
if set(config) - {"shards"} or not isinstance(shards, int) or shards < 1:
    raise WorkflowError("--config takes shards=N only, from 1; what is computed, change in params.yaml")

try:
    if workflow.is_main_process:
        if not hold_head():
            raise WorkflowError("another Snakemake is at work in this checkout; wait for its end")
        mend()
    graph = read_graph(shards)
    if workflow.is_main_process:
        graph.set_stamps()
except GraphError as error:
    raise WorkflowError(str(error))

constant = {job.name for job in graph if job.constant}
captioned = [job for job in graph if Path(f"workflow/report/{job.name}.rst").exists()]


def stamps_of(job):
    """What a job waits for.

    A stage whose output never changes makes no other stale, so a job that is fresh has nothing to
    do with it: Snakemake would run what it names, and all that names that.
    """
    fresh = Path(graph.stamp(job.name)).exists()
    return [graph.stamp(name) for name in job.needs if not (fresh and name in constant)]


rule all:
    input:
        [graph.stamp(job.name) for job in graph],


# A stage.
for job in graph:

    rule:
        name:
            job.name
        message:
            job.text
        input:
            stamps_of(job),
            [graph.shard_stamp(job, shard) for shard in range(job.shards)],
        output:
            touch(graph.stamp(job.name)),
        params:
            stage=job.stage,
            parts=f".shards/{job.name}",
        log:
            f"logs/{job.name}.log",
        threads: job.threads
        resources:
            **job.resources,
        shell:
            "python -m steps workflow.jobs {params.stage:q} 2>&1 | tee {log} && rm -rf {params.parts}"


# Its shards, where `--config shards=N` cuts its work: N jobs that compute its parts beforehand.
for job in (job for job in graph if job.shards):

    rule:
        name:
            f"shard_{job.name}"
        message:
            f"{job.text} Shard {{wildcards.shard}} of {job.shards}."
        input:
            stamps_of(job),
        output:
            touch(graph.shard_stamp(job)),
        params:
            stage=job.stage,
            shards=job.shards,
        log:
            f"logs/{job.name}.{{shard}}.log",
        threads: job.threads
        resources:
            **job.resources,
        shell:
            "python -m steps workflow.jobs {params.stage:q} {wildcards.shard}/{params.shards} 2>&1 "
            "| tee {log}"


# `make report`: what the captioned stages made, copied for Snakemake's own report.
rule shown:
    input:
        [f"logs/shown/{job.name}" for job in captioned],


for job in captioned:

    rule:
        name:
            f"show_{job.name}"
        input:
            graph.stamp(job.name),
        output:
            report(
                directory(f"logs/shown/{job.name}"),
                patterns=["{file}.html", "{file}.png", "{file}.svg", "{file}.csv", "{file}.json"],
                caption=f"workflow/report/{job.name}.rst",
                category=job.text,
            ),
        params:
            paths=job.outputs,
        shell:
            "mkdir -p {output} && cp -rL {params.paths:q} {output}"
