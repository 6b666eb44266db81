"""`python -m riskscore_pipelines` is the `riskscore` command."""

from riskscore_pipelines.main import run

run()
