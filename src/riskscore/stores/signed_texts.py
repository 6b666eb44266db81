"""Where the signed texts are found: recipes, grades, policies and mappings, a company's own before the shipped ones."""

from importlib.resources import files
from pathlib import Path

from riskscore.errors import UsageRefused


def shipped_models() -> Path:
    """The folder `models/` that came with the product: inside the wheel, or beside the source tree in a checkout."""
    packaged = Path(str(files("riskscore"))) / "models"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[3] / "models"


def find_text(relative: str, own: Path | None = None) -> Path:
    """The signed text of that name, e.g. `mappings/ibm.toml`: the company's own folder first, then the shipped one.

    Raises UsageRefused where neither has it, naming what there is.
    """
    folders = [folder for folder in (own, shipped_models()) if folder is not None]
    for folder in folders:
        if (folder / relative).is_file():
            return folder / relative
    there = sorted({path.stem for folder in folders for path in (folder / relative).parent.glob("*.toml")})
    raise UsageRefused(f"{relative}: no such text. There are: {', '.join(there) or 'none'}.")
