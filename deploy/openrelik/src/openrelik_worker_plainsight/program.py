"""Runs plainsight in a folder where the evidence has its names."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

PROGRAM = os.environ.get("PLAINSIGHT", "plainsight")
# 0 done, 1 a finding stands, 3 evidence could not be read in full, 4 no usable evidence, 6 a fault in one file:
# the report is written.
WRITTEN = {0, 1, 3, 4, 6}


class Failed(RuntimeError):
    """plainsight ended without a result."""


def label(file: dict) -> str:
    """The path of a file of OpenRelik as the report shows it: `<id>/<display name>`."""
    number = re.sub(r"[^A-Za-z0-9_-]", "_", str(file.get("id") or file.get("uuid") or "0"))
    name = (file.get("display_name") or "").replace("/", "_").replace("\0", "_")
    return f"{number}/{name if name not in ('', '.', '..') else 'file'}"


def link(file: dict, folder: Path) -> str:
    """Links a file under its label; on disk it is named by its UUID."""
    shown = label(file)
    place = folder / shown
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        place.symlink_to(Path(file["path"]).resolve())
    except FileExistsError:
        pass
    return shown


def options(config: dict, folder: Path, reading: bool, judging: bool) -> list[str]:
    """The options of a task, as the user set them in OpenRelik."""
    given: list[str] = []
    if policy := (config.get("policy") or "").strip():
        path = folder / "policy.toml"
        # Written whole under another name: other tasks of the same run may read it.
        new = folder / f"policy.{os.getpid()}.{time.monotonic_ns()}"
        new.write_text(policy + "\n", encoding="utf-8")
        new.replace(path)
        given += ["--policy", "policy.toml"]
    if judging:
        for pair in (config.get("protect") or "").split():
            given += ["--protect", pair]
        if gap := (config.get("gap") or "").strip():
            given += ["--gap", gap]
    if reading and (zone := (config.get("timezone") or "").strip()):
        given += [f"--timezone={zone}"]
    return given


def run(arguments: list[str], folder: Path, log: Path, progress=None) -> tuple[int, bytes]:
    """Runs plainsight; standard error goes to a file, because a pipe that nobody empties fills up."""
    with open(log, "wb") as errors:
        with subprocess.Popen(
            [PROGRAM, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=errors
        ) as child:
            while True:
                try:
                    out, _ = child.communicate(timeout=1)
                    break
                except subprocess.TimeoutExpired:
                    if progress and (line := _last_progress(log)):
                        progress(line)
    if child.returncode not in WRITTEN:
        told = log.read_text(encoding="utf-8", errors="replace").splitlines()
        words = [line for line in told if not line.startswith("{")][-5:]
        raise Failed(f"plainsight ended with status {child.returncode}: {' '.join(words)}")
    return child.returncode, out


def _last_progress(log: Path) -> dict | None:
    with open(log, "rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 4096))
        lines = file.read().decode("utf-8", "replace").splitlines()
    for line in reversed(lines):
        if line.startswith("{") and line.endswith("}"):
            try:
                return json.loads(line)
            except ValueError:
                continue
    return None


def summarize(file: dict, work: Path, config: dict) -> dict:
    """Makes the summary of one file; made again, it is the same one."""
    shown = link(file, work)
    name = f"{hashlib.sha256(shown.encode()).hexdigest()}.summary"
    arguments = ["summarize", shown, "--out", f"summaries/{name}", "--json", "--force"]
    (work / "summaries").mkdir(exist_ok=True)
    log = work / f"{name}.log"
    _, out = run(arguments + options(config, work, True, False), work, log)
    told = json.loads(out)
    return {"file": shown, "name": name, "sha256": told["files"][0]["summary"]["sha256"]}


def is_whole(summary: dict, work: Path) -> bool:
    """Whether a summary is on disk as it was written."""
    try:
        with open(work / "summaries" / summary["name"], "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == summary["sha256"]
    except OSError:
        return False


def remove(work: Path) -> None:
    """Nothing is left behind."""
    shutil.rmtree(work, ignore_errors=True)
