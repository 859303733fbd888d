# The graph of dvc.yaml for a scheduler: every stage that DVC runs becomes one rule, and nothing is
# said twice. What is stale is DVC's answer (workflow/bridge.py); a job is that stage under DVC, so
# `dvc repro` and `snakemake --cores N` can follow each other in any order, with no flag.
from pathlib import Path

from workflow.bridge import BridgeError, read_graph


report: "workflow/report/workflow.rst"


if config:
    raise WorkflowError("--config would be a second params.yaml; change params.yaml itself")

try:
    graph = read_graph()
    if workflow.is_main_process:
        graph.set_stamps()
except BridgeError as error:
    raise WorkflowError(str(error))

constant = {job.name for job in graph if job.constant}
captioned = [job for job in graph if Path(f"workflow/report/{job.name}.rst").exists()]


onsuccess:
    graph.order_locks()


onerror:
    graph.order_locks()


rule all:
    input:
        [graph.stamp(job.name) for job in graph],


for job in graph:

    rule:
        name:
            job.name
        message:
            job.text
        input:
            [graph.stamp(name) for name in job.needs if name not in constant],
            [ancient(graph.stamp(name)) for name in job.needs if name in constant],
        output:
            touch(graph.stamp(job.name)),
        params:
            stage=job.stage,
        log:
            f"logs/{job.name}.log",
        threads: job.threads
        resources:
            **job.resources,
        shell:
            "dvc --wait-for-lock repro --single-item {params.stage:q} 2>&1 | tee {log}"


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
                patterns=["{file}.html", "{file}.csv", "{file}.json"],
                caption=f"workflow/report/{job.name}.rst",
                category=job.text,
            ),
        params:
            paths=job.outputs,
        shell:
            "mkdir -p {output} && cp -rL {params.paths:q} {output}"
