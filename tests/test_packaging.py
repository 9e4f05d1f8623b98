"""The wheel: everything that framehold reads at run time is in it, and nothing else."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tomllib
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGED = (ROOT / "bench", ROOT / "prompts")


def shipped(folder: Path) -> list[Path]:
    """The files of a folder that are not made by running it."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as pip builds it."""
    if importlib.util.find_spec("pip") is None:
        pytest.skip("this environment has no pip")
    folder = tmp_path_factory.mktemp("wheel")
    isolated = [] if importlib.util.find_spec("hatchling") else ["--retries", "0", "--timeout", "5"]
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    built = subprocess.run(
        [*command, *(isolated or ["--no-build-isolation"]), "--wheel-dir", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode and isolated:
        pytest.skip(f"hatchling is not installed and cannot be fetched: {built.stderr.strip().splitlines()[-1]}")
    assert not built.returncode, built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.mark.slow
def test_all_of_the_package_and_the_suites_are_in_it_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    expected = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in shipped(ROOT / "bench")}
    expected |= {f"bench/{path.relative_to(ROOT).as_posix()}": path.read_bytes() for path in shipped(ROOT / "prompts")}
    assert sorted(held) == sorted(expected)
    assert [name for name in held if held[name] != expected[name]] == []


@pytest.mark.slow
def test_it_says_of_itself_what_the_project_says(wheel: Path) -> None:
    project = PROJECT["project"]
    with ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        said = Parser().parsestr(archive.read(metadata).decode())
        entry_points = archive.read(metadata.replace("METADATA", "entry_points.txt")).decode()
        licence = archive.read(metadata.replace("METADATA", "licenses/LICENSE"))
    assert (said["Name"], said["Version"], said["License-Expression"]) == (
        "framehold",
        project["version"],
        "Apache-2.0",
    )
    assert set(said.get_all("Provides-Extra", [])) == set(project["optional-dependencies"])
    assert "framehold = bench.cli:main" in entry_points
    assert licence == (ROOT / "LICENSE").read_bytes()


ELSEWHERE = """
import json, sys
from importlib.resources import files
import bench
from bench.stages.calibrate import load_calibration
from bench.suite import load_suite, shipped_suites
from bench.report.templates import environment
print(json.dumps({
    "file": bench.__file__,
    "suites": shipped_suites(),
    "prompts": len(load_suite("quick").prompts),
    "calibration": load_calibration("light")[0].profile,
    "template": bool(environment().get_template("report.html")),
}))
"""


@pytest.mark.slow
def test_away_from_the_checkout_it_finds_suites_calibration_and_templates(wheel: Path, tmp_path: Path) -> None:
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    path = os.pathsep.join((str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")))
    ended = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert Path(found["file"]) == tmp_path / "site" / "bench" / "__init__.py"
    assert found["suites"] == sorted(path.stem for path in (ROOT / "prompts").glob("*.toml"))
    assert (found["prompts"], found["calibration"], found["template"]) == (12, "light", True)


# ---- without building --------------------------------------------------------------------------------------------


def test_the_package_is_named_and_the_suites_go_into_it() -> None:
    target = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert target == {"packages": ["bench"], "force-include": {"prompts": "bench/prompts"}}
    assert {path.suffix for path in shipped(ROOT / "prompts")} == {".toml"}
    assert not (ROOT / "bench" / "prompts").exists()  # it would be shadowed


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="no checkout of git")
def test_git_ignores_nothing_that_is_packaged() -> None:
    # What git ignores the wheel leaves out.
    names = "\n".join(str(path.relative_to(ROOT)) for folder in PACKAGED for path in shipped(folder))
    ignored = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin"],
        cwd=ROOT,
        input=names,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ignored.returncode, ignored.stdout) == (1, "")


def test_what_is_read_at_run_time_is_there() -> None:
    assets = {path.relative_to(ROOT / "bench" / "assets").as_posix() for path in shipped(ROOT / "bench" / "assets")}
    assert {"templates/report.html", "templates/report.css", "templates/report.js"} <= assets
    assert [name for name in assets if name.startswith("calibrations/light-")]
    assert {"quick-v1.toml"} <= {path.name for path in shipped(ROOT / "prompts")}


def test_the_extras_are_what_the_errors_name() -> None:
    assert {"dev", "diffusers", "hosted", "ray"} <= set(PROJECT["project"]["optional-dependencies"])
    assert PROJECT["project"]["scripts"] == {"framehold": "bench.cli:main"}
