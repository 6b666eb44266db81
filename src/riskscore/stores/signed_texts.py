"""Where the signed texts are found: recipes, grades, policies and mappings, a company's own before the shipped ones."""

from importlib.resources import files
from pathlib import Path

from riskscore.errors import UsageRefused

RECIPE = "recipe.toml"
ALL_OTHERS = "late_payment"
"""The model whose texts stand in for those that another model's folder does not have."""


def shipped_models() -> Path:
    """The folder `models/` that came with the product: inside the wheel, or beside the source tree in a checkout."""
    packaged = Path(str(files("riskscore"))) / "models"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[3] / "models"


def find_text(relative: str, own: Path | None = None) -> Path:
    """The signed text of that name, e.g. `mappings/ibm.toml`: the company's own folder first, then the shipped one.

    A model is a folder with a recipe; of the other texts it may keep its own, and shares those of `late_payment` otherwise.
    Raises UsageRefused where nobody has it, naming what there is.
    """
    folders = [folder for folder in (own, shipped_models()) if folder is not None]
    wanted = [relative]
    model, _, name = relative.partition("/")
    if any((folder / model / RECIPE).is_file() for folder in folders) and name != RECIPE:
        wanted.append(f"{ALL_OTHERS}/{name}")
    for text in wanted:
        for folder in folders:
            if (folder / text).is_file():
                return folder / text
    there = sorted({path.stem for folder in folders for path in (folder / relative).parent.glob("*.toml")})
    raise UsageRefused(f"{relative}: no such text. There are: {', '.join(there) or 'none'}.")
