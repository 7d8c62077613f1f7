"""The tasks: `analyze` on one worker, `spread` over all of them. Both give the same report."""

import json
import shutil
from pathlib import Path

from celery import chord
from openrelik_worker_common.file_utils import create_output_file
from openrelik_worker_common.task_utils import create_task_result, get_input_files

from . import markdown, program
from .app import QUEUE, celery

CONFIG = [
    {
        "name": "protect",
        "label": "Hosts or networks that must be protected: A=B, one a line",
        "description": "Such as 10.0.0.5=10.0.1.0/24. Without this and a policy it is inferred.",
        "type": "textarea",
        "required": False,
    },
    {
        "name": "policy",
        "label": "Policy (TOML)",
        "description": "What ought to have been protected; see docs/policy.md of plainsight.",
        "type": "textarea",
        "required": False,
    },
    {
        "name": "gap",
        "label": "Start a new window after this time without clear packets",
        "description": "Such as 30s (the default) or 2m.",
        "type": "text",
        "required": False,
    },
    {
        "name": "timezone",
        "label": "Zone of times in exported logs that name none",
        "description": "Such as +01:00 or Europe/Berlin.",
        "type": "text",
        "required": False,
    },
]


def _metadata(name: str, description: str) -> dict:
    return {"display_name": name, "description": description, "task_config": CONFIG}


def _work(output_path: str, task_id: str) -> Path:
    work = Path(output_path) / f".plainsight-work-{task_id}"
    work.mkdir(parents=True, exist_ok=True)
    return work


def _progress(task):
    return lambda line: task.send_event("task-progress", data=line)


@celery.task(
    bind=True,
    name=f"{QUEUE}.tasks.analyze",
    metadata=_metadata("plainsight", "IPsec: what was not protected, when, and why"),
)
def analyze(
    self,
    pipe_result: str | None = None,
    input_files: list | None = None,
    output_path: str | None = None,
    workflow_id: str | None = None,
    task_config: dict | None = None,
) -> str:
    """Reads all evidence on this worker."""
    files = get_input_files(pipe_result, input_files or [])
    config = task_config or {}
    work = _work(output_path, self.request.id)
    try:
        paths = [program.link(file, work) for file in files]
        arguments = ["analyze", *paths, "--out", "report", "--force", "--progress", "json"]
        arguments += program.options(config, work, True, True)
        if paths:
            program.run(arguments, work, work / "log", _progress(self))
        return _result(work, output_path, workflow_id, arguments)
    finally:
        program.remove(work)


@celery.task(
    bind=True,
    name=f"{QUEUE}.tasks.spread",
    metadata=_metadata("plainsight, spread", "The same, with each file read by any worker"),
)
def spread(
    self,
    pipe_result: str | None = None,
    input_files: list | None = None,
    output_path: str | None = None,
    workflow_id: str | None = None,
    task_config: dict | None = None,
) -> str:
    """One task for each file, and one that puts their summaries together."""
    files = get_input_files(pipe_result, input_files or [])
    config = task_config or {}
    if not files:
        return create_task_result(output_files=[], workflow_id=workflow_id, command="no input files")
    work = str(_work(output_path, self.request.id))
    header = [summarize.si(file, work, config) for file in files]
    body = correlate.s(files, work, output_path, workflow_id, config)
    raise self.replace(chord(header, body))


@celery.task(bind=True, name=f"{QUEUE}.tasks.summarize")
def summarize(self, file: dict, work: str, config: dict) -> dict:
    """Reads one file of evidence."""
    self.send_event("task-progress", data={"file": file.get("display_name")})
    return program.summarize(file, Path(work), config)


@celery.task(bind=True, name=f"{QUEUE}.tasks.correlate")
def correlate(
    self,
    summaries: list[dict],
    files: list[dict],
    work: str,
    output_path: str,
    workflow_id: str | None,
    config: dict,
) -> str:
    """Judges all summaries together. One that is gone or damaged is made again."""
    folder = Path(work)
    by_file = {summary["file"]: summary for summary in summaries}
    for file in files:
        summary = by_file.get(program.label(file))
        if summary is None or not program.is_whole(summary, folder):
            self.send_event("task-progress", data={"again": file.get("display_name")})
            by_file[program.label(file)] = program.summarize(file, folder, config)
    names = sorted(f"summaries/{summary['name']}" for summary in by_file.values())
    arguments = ["correlate", *names, "--out", "report", "--force"]
    arguments += program.options(config, folder, False, True)
    program.run(arguments, folder, folder / "log")
    result = _result(folder, output_path, workflow_id, arguments)
    # Where this fails the task is done again, and needs the summaries.
    program.remove(folder)
    return result


def _result(
    work: Path, output_path: str, workflow_id: str | None, arguments: list[str]
) -> str:
    """Puts the report where OpenRelik finds it."""
    report = work / "report"
    if not report.is_dir():
        return create_task_result(output_files=[], workflow_id=workflow_id, command="no input files")
    outputs = []
    for name in ("report.html", "report.json"):
        output = create_output_file(
            output_path, display_name=name, data_type=f"plainsight:{name.replace('.', ':')}"
        )
        shutil.copyfile(report / name, output.path)
        outputs.append(output.to_dict())
    # Whole, so that `plainsight verify` can check it.
    whole = create_output_file(
        output_path, display_name="plainsight-report.zip", data_type="plainsight:report:zip"
    )
    shutil.make_archive(whole.path.removesuffix(".zip"), "zip", report)
    outputs.append(whole.to_dict())
    text = markdown.report(json.loads((report / "report.json").read_bytes()))
    return create_task_result(
        output_files=outputs,
        workflow_id=workflow_id,
        command=" ".join(["plainsight", *arguments]),
        task_report=text.to_dict(),
    )
