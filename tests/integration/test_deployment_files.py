"""The files for a team's deployment: no container engine runs here, so what can be read from them is checked instead."""

import re
import tomllib
import warnings
from pathlib import Path
from typing import Any

import click
import pytest
import typer
import yaml

from riskscore.errors import UsageRefused
from riskscore.stores.exposure import Exposure
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.main import VERBS
from riskscore_pipelines.serve import app as serve_app
from riskscore_serving.settings import address

COPIED = re.compile(r"^COPY (.+) (\S+)$", re.MULTILINE)
KEPT = "/company"  # where the working folder of the company lies in the image


@pytest.fixture(scope="module")
def compose(repository: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((repository / "serving" / "compose.yaml").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def dockerfile(repository: Path) -> str:
    return (repository / "serving" / "Dockerfile").read_text(encoding="utf-8")


def options_of(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts if option.startswith("--")}


def unknown_options(words: list[str], known: set[str]) -> list[str]:
    return [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]


def unknown_settings(environment: dict[str, str]) -> list[str]:
    """RISKSCORE_* names that no setting reads."""
    fields = set(Workplace.model_fields) | {f"serve__{name}" for name in Exposure.model_fields}
    return [name for name in environment if name.startswith("RISKSCORE_") and name[10:].lower() not in fields]


def test_the_team_gets_a_database_a_registry_and_the_server(compose: dict[str, Any]) -> None:
    services = compose["services"]

    assert set(services) == {"db", "mlflow", "server"}
    assert {name for each in services.values() for name in (mount.partition(":")[0] for mount in each["volumes"])} == set(
        compose["volumes"]
    )
    assert set(services["server"]["depends_on"]) <= set(services)
    assert services["server"]["ports"] == ["127.0.0.1:8000:8000"], "whoever wants more puts a proxy in front"


def test_every_option_and_setting_of_the_server_exists(compose: dict[str, Any]) -> None:
    server = compose["services"]["server"]
    verb, *words = server["command"]

    assert verb in VERBS
    assert unknown_options(words, options_of(typer.main.get_command(serve_app))) == []
    assert unknown_settings(server["environment"]) == []
    assert server["environment"]["RISKSCORE_DATABASE"].startswith("postgresql+psycopg:")


def test_with_what_it_is_given_the_server_listens_and_without_any_of_it_it_does_not(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings of the file, filled in as the comment says, are all that the server asks for beside accounts."""
    given = {
        "RISKSCORE_SERVE__SECRET": "kT9-Jq2mWzP_0aXvB7LrYdN4sHcE8fGu",
        "PUBLIC_URL": "https://credit.example",
        "PROXY": "10.0.0.2",
    }
    environment = {name: value for name, value in compose["services"]["server"]["environment"].items() if "SERVE" in name}
    for name, value in environment.items():
        monkeypatch.setenv(name, re.sub(r"\$\{(\w+)[^}]*\}", lambda found: given[found[1]], value))
    host = compose["services"]["server"]["command"][2]

    assert address(host, 8000, Workplace().serve, has_accounts=lambda: True).allowed_hosts >= {"credit.example"}
    for name in ("RISKSCORE_SERVE__SECRET", "RISKSCORE_SERVE__PROXIES"):
        with monkeypatch.context() as without:
            without.delenv(name)
            with pytest.raises(UsageRefused, match="It did not listen"):
                address(host, 8000, Workplace().serve, has_accounts=lambda: True)


def test_every_option_of_the_registry_exists_in_mlflow(compose: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries about each other
        from mlflow.cli import cli

    program, verb, *words = compose["services"]["mlflow"]["entrypoint"]

    assert program == "mlflow"
    assert unknown_options(words, options_of(cli.commands[verb])) == []
    assert compose["services"]["server"]["environment"]["MLFLOW_TRACKING_URI"].removeprefix("http:").strip("/") in {
        word.removeprefix("--allowed-hosts=") for word in words
    }


def test_a_planted_option_or_setting_is_found() -> None:
    assert unknown_options(["--host", "0.0.0.0", "--hots=1"], options_of(typer.main.get_command(serve_app))) == ["--hots=1"]
    assert unknown_settings({"RISKSCORE_SERVE__SECRETS": "x", "RISKSCORE_BOOK": "b"}) == ["RISKSCORE_SERVE__SECRETS"]


def test_no_secret_has_a_default(compose: dict[str, Any]) -> None:
    """Without the variable the engine stops, instead of starting with a password that is in a public file."""
    text = str(compose)

    assert re.findall(r"(?:PASSWORD|SECRET)[^,}]*\$\{(\w+)(?!:\?)[^?]*?\}", text) == []
    assert "${RISKSCORE_SERVE__SECRET:?}" in text


def test_the_image_is_built_from_files_that_are_there(repository: Path, dockerfile: str, compose: dict[str, Any]) -> None:
    sources = [source for found, _ in COPIED.findall(dockerfile) for source in found.split()]
    builds = [each["build"] for each in compose["services"].values() if "build" in each]

    assert sources
    assert [source for source in sources if not (repository / source).exists()] == []
    assert {(repository / "serving" / build["context"] / build["dockerfile"]).resolve() for build in builds} == {
        (repository / "serving" / "Dockerfile").resolve()
    }
    assert f"WORKDIR {KEPT}" in dockerfile
    assert compose["services"]["server"]["volumes"] == [f"company:{KEPT}"]
    assert "USER riskscore" in dockerfile, "not as root"


def test_the_image_has_what_the_server_speaks(repository: Path) -> None:
    """The lock it installs holds the extras for serving, PostgreSQL and the registry."""
    locked = set(
        re.findall(
            r"^([a-z0-9-]+)(?:\[[a-z]+\])?==", (repository / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    extras = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    wanted = {
        re.split(r"[>=<;\[ ]", line)[0].lower() for extra in ("serve", "postgres", "train", "build") for line in extras[extra]
    }

    assert wanted <= locked
