"""What no tracked file may hold: addresses of package registries, paths of one machine; and what locks and vendored files must.

Addresses are checked against a list of those that are allowed, so that no registry has to be named here either.
"""

import hashlib
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-bench.lock")

ALLOWED_HOSTS = {
    "127.0.0.1", "localhost", "example.com", "db", "mlflow",  # this machine, and names in examples
    "www.apache.org",  # in the licence
    "www.w3.org",  # the namespace of SVG
    "openfontlicense.org", "scripts.sil.org", "github.com",  # in the licences of vendored files
}  # fmt: skip

ADDRESS = re.compile(r"\bhttps?://([^\s/\"'`<>)\]:{]+)")
MACHINE_PATH = re.compile("|".join((r"(?<![\w.])/" + folder + r"/\w") for folder in ("work", "root", "home", "Users")))
REQUIREMENT = re.compile(r"^([A-Za-z0-9][\w.-]*)(\[.*\])?==[^\s;]+", re.MULTILINE)


def stray_addresses(text: str) -> list[str]:
    """Hosts in the text that are not on the list of allowed ones."""
    return [host for host in ADDRESS.findall(text) if host not in ALLOWED_HOSTS and not host.endswith(".example")]


def machine_paths(text: str) -> list[str]:
    """Absolute paths that exist on one machine only."""
    return MACHINE_PATH.findall(text)


def lock_faults(lock: str) -> list[str]:
    """What is wrong with a lock: a requirement without a hash, an address, an option that names an index."""
    blocks = re.split(r"\n(?=[A-Za-z0-9])", lock)
    unhashed = [match[1] for block in blocks if (match := REQUIREMENT.match(block)) and "--hash=sha256:" not in block]
    unpinned = [line for line in lock.splitlines() if re.match(r"[A-Za-z0-9]", line) and "==" not in line.split(";")[0]]
    options = [line for line in lock.splitlines() if re.match(r"-\S*(index|find-links|trusted)", line) or "://" in line]
    return unhashed + unpinned + options


def vendor_faults(manifest: Path) -> list[str]:
    """Vendored files whose bytes are not those that were taken in."""
    listed = tomllib.loads(manifest.read_text("utf-8"))["file"]
    digests = {entry["name"]: entry["sha256"] for entry in listed}
    present = {path.name for path in manifest.parent.iterdir()} - {manifest.name}
    changed = [name for name in digests if hashlib.sha256((manifest.parent / name).read_bytes()).hexdigest() != digests[name]]
    return changed + sorted(present - set(digests))


@pytest.fixture(scope="module")
def tracked(repository: Path) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [repository / name for name in listed.stdout.split("\0") if name and (repository / name).is_file()]


def texts(paths: list[Path]) -> Iterator[tuple[Path, str]]:
    for path in paths:
        try:
            yield path, path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


def test_no_tracked_file_names_an_address_that_is_not_on_the_list(tracked: list[Path]) -> None:
    found = {str(path): hosts for path, text in texts(tracked) if (hosts := stray_addresses(text))}

    assert found == {}


def test_no_tracked_file_names_a_path_of_one_machine(tracked: list[Path]) -> None:
    found = {str(path): paths for path, text in texts(tracked) if (paths := machine_paths(text))}

    assert found == {}


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_its_hash_and_no_lock_has_an_address(repository: Path, name: str) -> None:
    lock = (repository / name).read_text("utf-8")

    assert len(REQUIREMENT.findall(lock)) > 20
    assert lock_faults(lock) == []


def test_the_development_lock_holds_the_runtime_lock_version_by_version(repository: Path) -> None:
    runtime, development = (
        set(re.findall(r"^\S+==\S+", (repository / name).read_text("utf-8"), re.MULTILINE)) for name in LOCKS[:2]
    )

    assert runtime - development == set()


def test_vendored_files_are_the_bytes_that_were_taken_in(tracked: list[Path]) -> None:
    manifests = [path for path in tracked if path.name == "VENDOR.toml"]

    assert manifests
    assert {str(path): faults for path in manifests if (faults := vendor_faults(path))} == {}


ELSEWHERE = "https:" + "//registry.invalid"  # in two parts, or this file would break its own rule


class TestPlantedFaults:
    """Each guard must catch the fault it is there for."""

    def test_an_address_is_found(self) -> None:
        assert stray_addresses(f"see {ELSEWHERE}/simple and http://127.0.0.1:8000/x") == ["registry.invalid"]

    def test_a_machine_path_is_found(self) -> None:
        assert machine_paths("open('/" + "home/ann/book')")
        assert not machine_paths("docs/" + "work/in-progress and ./" + "root/x")

    @pytest.mark.parametrize(
        ("lock", "fault"),
        [
            pytest.param("left==1.0\nright==2.0 \\\n    --hash=sha256:ab\n", "left", id="no-hash"),
            pytest.param("left>=1.0 \\\n    --hash=sha256:ab\n", "left>=1.0 \\", id="no-version"),
            pytest.param("--index-url x\nleft==1.0 \\\n    --hash=sha256:ab\n", "--index-url x", id="index"),
            pytest.param(f"left @ {ELSEWHERE}/a.whl", f"left @ {ELSEWHERE}/a.whl", id="address"),
        ],
    )
    def test_a_bad_lock_is_found(self, lock: str, fault: str) -> None:
        assert fault in lock_faults(lock)

    def test_a_changed_or_unlisted_vendored_file_is_found(self, tmp_path: Path) -> None:
        (tmp_path / "a.css").write_text("changed")
        (tmp_path / "b.css").write_text("smuggled")
        (tmp_path / "VENDOR.toml").write_text(f'[[file]]\nname = "a.css"\nsha256 = "{hashlib.sha256(b"taken in").hexdigest()}"\n')

        assert vendor_faults(tmp_path / "VENDOR.toml") == ["a.css", "b.css"]
