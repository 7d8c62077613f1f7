"""The worker as it runs: a Redis of its own, two workers, and what goes wrong with them."""

import base64
import io
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCE = Path(__file__).resolve().parents[1] / "src"
PROGRAM = os.environ.get("PLAINSIGHT", str(ROOT / "target/debug/plainsight"))
SHARED = Path(os.environ.get("PLAINSIGHT_SHARED", str(ROOT.parent / "shared")))
EVIDENCE = {
    "samples": [ROOT / "samples" / name for name in ("psk_mismatch", "service_stopped")],
    "lab": [SHARED / "lab" / name for name in ("05a_v2_ike_no_proposal", "11a_v1_aggressive", "16_fail_closed")],
}
# The lab is not part of this repository.
LAB_OR_SAMPLES = "lab" if (SHARED / "lab").is_dir() else "samples"
TIMEOUT = 240


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def stage(tmp_path, request):
    """Redis on loopback, and evidence as OpenRelik stores it: of the samples, unless a test names others."""
    folders = EVIDENCE[getattr(request, "param", "samples")]
    port = free_port()
    redis = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", tmp_path],
        stdout=subprocess.DEVNULL,
    )
    files = []
    store = tmp_path / "store"
    store.mkdir()
    evidence = sorted(
        path for folder in folders for path in folder.iterdir() if path.suffix in (".pcap", ".evtx", ".evt")
    )
    for number, path in enumerate(evidence, 1):
        stored = store / f"{number:032x}{path.suffix}"
        shutil.copyfile(path, stored)
        files.append({"id": number, "display_name": path.name, "path": str(stored)})
    made = Stage(tmp_path, f"redis://127.0.0.1:{port}/0", files)
    try:
        yield made
    finally:
        for worker in made.workers:
            worker.kill()
        redis.terminate()
        redis.wait()


class Worker:
    """A Celery worker with a child, each in a group of its own."""

    def __init__(self, stage, name: str, program: Path):
        self.environment = stage.environment | {"PLAINSIGHT": str(program)}
        self.log = open(stage.folder / f"{name}.log", "wb")
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "celery", "--app=openrelik_worker_plainsight.app", "worker",
                "--concurrency=1", "-n", f"{name}@test", "-Q", "openrelik-worker-plainsight",
            ],
            env=self.environment, stdout=self.log, stderr=self.log, start_new_session=True,
        )

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.log.close()


class Stage:
    def __init__(self, folder: Path, redis: str, files: list):
        self.folder, self.files, self.workers = folder, files, []
        self.environment = os.environ | {
            "REDIS_URL": redis,
            "PYTHONPATH": str(SOURCE),
            "PLAINSIGHT_VISIBILITY_TIMEOUT": "5",
            "C_FORCE_ROOT": "1",
            "STATE": str(folder),
        }

    def program(self, script: str) -> Path:
        """A program that does something before or after plainsight."""
        path = self.folder / f"program-{len(list(self.folder.glob('program-*')))}"
        path.write_text(script.replace("PLAINSIGHT_ITSELF", PROGRAM))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def worker(self, name: str, program: Path | str = PROGRAM) -> Worker:
        self.workers.append(Worker(self, name, Path(program)))
        return self.workers[-1]

    def run(self, task: str, config: dict | None = None, meanwhile=None) -> dict:
        """Sends a task as OpenRelik does; gives its result."""
        output = self.folder / f"out-{task}"
        output.mkdir()
        arguments = {
            "input_files": self.files, "output_path": str(output), "workflow_id": "1",
            "task_config": config or {},
        }
        script = (
            "import json, sys\n"
            "from openrelik_worker_plainsight.app import celery, QUEUE\n"
            "sent = celery.send_task(f'{QUEUE}.tasks.' + sys.argv[1], kwargs=json.loads(sys.argv[2]))\n"
            f"print(sent.get(timeout={TIMEOUT}))\n"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", script, task, json.dumps(arguments)],
            env=self.environment, stdout=subprocess.PIPE, text=True,
        )
        if meanwhile:
            meanwhile(output)
        out, _ = child.communicate(timeout=TIMEOUT + 20)
        assert child.returncode == 0, self.logs()
        result = json.loads(base64.b64decode(out))
        names = {file["display_name"] for file in result["output_files"]}
        assert names == {"report.html", "report.json", "plainsight-report.zip"}
        # Nothing but these is left behind.
        assert {p.name for p in output.iterdir()} == {
            Path(file["path"]).name for file in result["output_files"]
        }, self.logs()
        return result

    def logs(self) -> str:
        return "\n".join(log.read_text(errors="replace")[-3000:] for log in self.folder.glob("*.log"))


def report(result: dict) -> dict[str, bytes]:
    """The files of a report but for its manifest, which says when it was made."""
    [path] = [file["path"] for file in result["output_files"] if file["path"].endswith(".zip")]
    with zipfile.ZipFile(io.BytesIO(Path(path).read_bytes())) as whole:
        return {name: whole.read(name) for name in whole.namelist() if name != "manifest.json"}


def wait_for(condition, what: str):
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def same(stage, spread: dict, config: dict | None = None):
    """The report is that of `analyze`, and no file is missing."""
    analyzed = stage.run("analyze", config)
    assert report(spread) == report(analyzed)
    evidence = json.loads(report(spread)["report.json"])["evidence"]
    assert [file["path"] for file in evidence] == sorted(
        f"{file['id']}/{file['display_name']}" for file in stage.files
    )
    assert not [p for file in evidence for p in file["problems"] if p["code"] == "summary_missing"]


def test_two_workers_give_the_report_of_one(stage):
    stage.worker("one"), stage.worker("two")
    config = {"protect": "10.77.3.0/24=10.77.3.0/24", "gap": "10s"}
    spread = stage.run("spread", config)
    same(stage, spread, config)
    text = spread["task_report"]["content"]
    assert "## Verdict" in text and "## Windows of clear text" in text
    assert spread["task_report"]["summary"].startswith("partially protected")


# Says that it was begun, and waits until it is killed.
HANGS = """#!/bin/sh
if [ "$1" = summarize ]; then touch "$STATE/begun"; sleep 600; fi
exec PLAINSIGHT_ITSELF "$@"
"""


@pytest.mark.parametrize("stage", [LAB_OR_SAMPLES], indirect=True)
def test_a_worker_killed_in_the_middle_loses_nothing(stage):
    victim = stage.worker("victim", stage.program(HANGS))

    def kill(_output):
        wait_for((stage.folder / "begun").exists, "the victim never began")
        victim.kill()
        stage.worker("one"), stage.worker("two")

    same(stage, stage.run("spread", meanwhile=kill))


# Makes the summary, and waits before it says so: the task is done and not acknowledged.
SILENT = """#!/bin/sh
PLAINSIGHT_ITSELF "$@"
status=$?
if [ "$1" = summarize ]; then touch "$STATE/done"; sleep 600; fi
exit $status
"""


def test_a_worker_that_dies_before_it_acknowledges_loses_nothing(stage):
    victim = stage.worker("victim", stage.program(SILENT))

    def kill(output):
        wait_for((stage.folder / "done").exists, "the victim never made a summary")
        assert list(output.glob(".plainsight-work-*/summaries/*.summary"))
        victim.kill()
        stage.worker("one"), stage.worker("two")

    same(stage, stage.run("spread", meanwhile=kill))


# Damages every summary behind plainsight's back, once.
DAMAGES = """#!/bin/sh
PLAINSIGHT_ITSELF "$@"
status=$?
if [ "$1" = summarize ] && mkdir "$STATE/damaged-$(echo "$4" | tr / _)" 2>/dev/null; then
    printf x | dd of="$4" bs=1 seek=60 conv=notrunc 2>/dev/null
fi
exit $status
"""


def test_a_summary_damaged_on_disk_is_made_again(stage):
    program = stage.program(DAMAGES)
    stage.worker("one", program), stage.worker("two", program)
    spread = stage.run("spread")
    assert len(list(stage.folder.glob("damaged-*"))) == len(stage.files)
    same(stage, spread)


def test_a_child_of_a_worker_killed_loses_nothing(stage):
    worker = stage.worker("one", stage.program(HANGS.replace(
        'if [ "$1" = summarize ]', 'if [ "$1" = summarize ] && [ ! -e "$STATE/begun" ]'
    )))

    def kill(_output):
        wait_for((stage.folder / "begun").exists, "nothing began")
        children = subprocess.run(
            ["pgrep", "-P", str(worker.process.pid)], stdout=subprocess.PIPE, text=True, check=True
        )
        for child in children.stdout.split():
            os.kill(int(child), signal.SIGKILL)

    same(stage, stage.run("spread", meanwhile=kill))


def test_text_from_evidence_is_no_markup():
    sys.path.insert(0, str(SOURCE))
    from openrelik_worker_plainsight.markdown import escape

    escaped = escape("a|b <img> [x](y) `c` \x1b[0m \u202e")
    assert not set("|<>[]`\x1b\u202e") & set(escaped)
