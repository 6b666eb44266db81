"""What tests of the registry share: the model's name, its run, and where its files lie."""

from pathlib import Path

NAME = "late_payment"


def run_of(registry):
    (version,) = registry.versions(NAME)
    return registry.client.get_run(version.run_id)


def bundle_folder(folder) -> Path:
    (found,) = folder.rglob("bundle/booster.txt")
    return found.parent
