"""The workflow as it runs: its report is that of `analyze`, also where files are bad, jobs die or summaries are damaged."""

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WORKFLOW = Path(__file__).resolve().parents[1] / "Snakefile"
PROGRAM = os.environ.get("PLAINSIGHT", str(ROOT / "target/debug/plainsight"))
SHARED = Path(os.environ.get("PLAINSIGHT_SHARED", str(ROOT.parent / "shared")))


def evidence_of(folder: Path) -> list[Path]:
    kinds = (".pcap", ".pcapng", ".evtx", ".evt")
    return sorted(path for path in folder.rglob("*") if path.suffix in kinds)


@pytest.fixture
def case(tmp_path, monkeypatch):
    """A folder with the evidence of two samples, with names that a shell or a wildcard could misread."""
    monkeypatch.chdir(tmp_path)
    for sample in ("psk_mismatch", "service_stopped"):
        for path in evidence_of(ROOT / "samples" / sample):
            copied = Path("evidence", "{gw} $1", sample, path.name.replace("-", " 'x' "))
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copied)
    return tmp_path


def workflow(*arguments: str, config: dict | None = None, program: str = PROGRAM) -> subprocess.CompletedProcess:
    Path("settings.json").write_text(json.dumps({"plainsight": program} | (config or {})))
    return subprocess.run(
        [
            sys.executable, "-m", "snakemake", "--snakefile", WORKFLOW, "--configfile", "settings.json",
            "--cores", "2", "--quiet", "progress", "rules", "host", "reason", *arguments,
        ],
        capture_output=True, text=True, timeout=240,
    )


def done(*arguments: str, **settings) -> int:
    """Runs the workflow; gives the exit status of `correlate`."""
    ran = workflow(*arguments, **settings)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return int(Path("report.status").read_text())


def files_of(report: str) -> dict[str, bytes]:
    """The files of a report but for its manifest, which says when and how it was made."""
    return {path.name: path.read_bytes() for path in Path(report).iterdir() if path.name != "manifest.json"}


def analyze(*options: str) -> int:
    paths = [str(path) for path in Path("evidence").rglob("*") if path.is_file()]
    return subprocess.run(
        [PROGRAM, "analyze", *paths, "--out", "analyzed", "--force", *options], capture_output=True
    ).returncode


def test_the_report_is_that_of_analyze(case):
    status = done(config={"judge": "--protect 10.77.3.0/24=10.77.3.0/24 --gap 10s"})
    assert status == analyze("--protect", "10.77.3.0/24=10.77.3.0/24", "--gap", "10s")
    assert files_of("report") == files_of("analyzed")
    # One more file: one more summary, and no other is made again.
    before = {path: path.stat().st_mtime_ns for path in Path("summaries").iterdir()}
    assert len(before) == len(evidence_of(Path("evidence")))
    shutil.copyfile(ROOT / "samples/no_ipsec/capture.pcapng", "evidence/late.pcapng")
    done()
    analyze()
    assert files_of("report") == files_of("analyzed")
    after = {path: path.stat().st_mtime_ns for path in Path("summaries").iterdir()}
    assert len(after) == len(before) + 1 and before.items() <= after.items()


def test_the_lab_gives_the_report_of_analyze(tmp_path, monkeypatch):
    lab = SHARED / "lab"
    if not lab.is_dir():
        pytest.skip(f"{lab} is not part of this repository")
    monkeypatch.chdir(tmp_path)
    for scenario in ("05a_v2_ike_no_proposal", "11a_v1_aggressive", "16_fail_closed"):
        for path in evidence_of(lab / scenario):
            Path("evidence", scenario).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, Path("evidence", scenario, path.name))
    assert done() == analyze()
    assert files_of("report") == files_of("analyzed")


def test_bad_files_cost_themselves_only(case):
    Path("evidence/notes.txt").write_text("no evidence\n")
    Path("evidence/empty.pcap").touch()
    whole = Path(ROOT / "samples/healthy/capture.pcap").read_bytes()
    Path("evidence/cut.pcap").write_bytes(whole[: len(whole) // 2 + 7])
    assert done() == analyze() == 3
    assert files_of("report") == files_of("analyzed")


def test_what_a_list_expects_is_missed(case):
    paths = evidence_of(Path("evidence"))
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path}\n" for path in paths]
    Path("LIST").write_text("".join(lines))
    assert done(config={"expect": "LIST"}) == 0
    paths[0].unlink()
    assert done("--rerun-triggers", "input", "mtime", config={"expect": "LIST"}) == 3
    evidence = json.loads(Path("report/report.json").read_text())["evidence"]
    [missing] = [
        file["path"] for file in evidence if any(p["code"] == "summary_missing" for p in file["problems"])
    ]
    assert missing == str(paths[0])


# Dies once in each summary, as on a machine that fails; the second try goes through.
DIES_ONCE = """#!/bin/sh
if [ "$1" = summarize ] && mkdir "died-$(basename "$4")" 2>/dev/null; then kill -9 $$; fi
exec PLAINSIGHT_ITSELF "$@"
"""


def test_a_job_that_dies_is_run_again(case):
    program = case / "program"
    program.write_text(DIES_ONCE.replace("PLAINSIGHT_ITSELF", PROGRAM))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    done(program=str(program))
    assert len(list(case.glob("died-*"))) == len(evidence_of(Path("evidence")))
    analyze()
    assert files_of("report") == files_of("analyzed")


def test_a_damaged_summary_is_refused_by_name_and_made_again_once_it_is_gone(case):
    done()
    Path("report.status").unlink()
    victim = sorted(Path("summaries").iterdir())[0]
    with open(victim, "r+b") as file:
        file.seek(60)
        file.write(b"x")
    assert workflow().returncode != 0
    assert victim.name in Path("logs/correlate.log").read_text()
    victim.unlink()
    done()
    analyze()
    assert files_of("report") == files_of("analyzed")


def test_a_setting_that_does_not_exist_is_refused(case):
    ran = workflow(config={"evidenze": "evidence"})
    assert ran.returncode != 0 and "no such setting: evidenze" in ran.stdout + ran.stderr
