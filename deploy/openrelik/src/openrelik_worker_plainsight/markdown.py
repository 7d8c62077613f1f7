"""report.json in Markdown, for the user interface."""

from openrelik_worker_common.reporting import Priority, Report

ROWS = 20
PRIORITIES = {
    "protected": Priority.LOW,
    "partially_protected": Priority.HIGH,
    "unprotected": Priority.CRITICAL,
}


def escape(text: object) -> str:
    """Text from evidence that shall neither be markup nor leave its cell."""
    visible = "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in str(text))
    for mark in "\\`*_[]<>|#!":
        visible = visible.replace(mark, f"&#{ord(mark)};")
    return visible


def _table(section, columns: list[str], rows: list[list[object]]) -> None:
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(escape(cell) for cell in row) + " |" for row in rows[:ROWS]]
    section.add_paragraph("\n".join(lines))
    if len(rows) > ROWS:
        section.add_paragraph(f"… and {len(rows) - ROWS} more in report.json")


def report(result: dict) -> Report:
    """What a reviewer reads first: verdict, windows, findings, and what could not be read."""
    made = Report("plainsight: IPsec protection")
    made.priority = PRIORITIES.get(result["verdict"], Priority.MEDIUM)
    windows, findings = result["windows"], result["findings"]
    verdict = result["verdict"].replace("_", " ")
    made.summary = f"{verdict}: {len(windows)} windows of clear text, {len(findings)} findings"
    about = made.add_section()
    about.add_header("Verdict")
    about.add_paragraph(escape(verdict))
    for limit in result.get("verdict_limits", []):
        about.add_bullet(escape(limit["text"]))
    if windows:
        section = made.add_section()
        section.add_header("Windows of clear text")
        rows = [
            [w["id"], w["a"], w["b"], w["start"], w["end"], w["frames"], w.get("chain", "")]
            for w in windows
        ]
        _table(section, ["", "Host", "Host", "From", "To", "Packets", "Chain"], rows)
    if findings:
        section = made.add_section()
        section.add_header("Findings")
        rows = [[f["id"], f["severity"], f["title"]] for f in findings]
        _table(section, ["", "Severity", "Finding"], rows)
    problems = [
        [file["path"], problem["code"], problem["text"]]
        for file in result["evidence"]
        for problem in file["problems"]
    ]
    if problems:
        section = made.add_section()
        section.add_header("What could not be read, and other remarks on the evidence")
        _table(section, ["File", "Code", "Remark"], problems)
    return made
