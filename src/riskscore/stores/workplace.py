"""The working folder of a company: where its book, its decisions and its models lie. The environment is read here, once."""

from pathlib import Path
from typing import ClassVar

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from riskscore.stores.exposure import Exposure


class Workplace(BaseSettings):
    """`riskscore.toml` in the working folder, overridden by `RISKSCORE_*` variables; unknown keys are refused.

    book: folder of the book.
    database: SQLAlchemy address of the decision store.
    mlflow: tracking address; `MLFLOW_TRACKING_URI`, where set, wins.
    models: folder of the signed texts (recipes, policies, mappings) of this company; absent, the shipped ones hold.
    approved: folder of the local copies of approved models, from which scoring loads.
    max_book_age_days: from an older book the server decides no customer by itself; it refers.
    serve: how far the server may be reached; `RISKSCORE_SERVE__SECRET` and the like set a part of it.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix="RISKSCORE_", env_nested_delimiter="__", toml_file="riskscore.toml", extra="forbid", frozen=True
    )

    book: Path = Path("book")
    database: str = "sqlite:///riskscore.db"
    mlflow: str = "sqlite:///mlflow.db"
    models: Path = Path("models")
    approved: Path = Path("approved_models")
    max_book_age_days: int = 45
    serve: Exposure = Exposure()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  called by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  called by name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order in which sources win: arguments, environment, file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)
