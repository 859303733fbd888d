"""The commands of the pipeline: one file a stage, `python -m steps.STAGE --help`."""

from steps.making.warm import attend

attend()
