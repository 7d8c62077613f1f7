"""timeline.jsonl through Timesketch's own importer, with a server that only keeps what it is sent."""

import json
import os
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest
from timesketch_import_client.importer import ImportStreamer

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("PLAINSIGHT", str(ROOT / "target/debug/plainsight"))


class Server:
    """What the importer asks of a server: it takes events, one JSON object a line."""

    def __init__(self):
        self.events, self.uploads = [], 0
        self.api = SimpleNamespace(api_root="http://127.0.0.1", session=self)
        self.id = 1

    def post(self, _address, data, files):
        self.uploads += 1
        self.events += [json.loads(line) for line in files["events"][1].split("\n")]
        answer = {"objects": [{"id": 1, "searchindex": {"index_name": "one"}}], "meta": {}}
        return SimpleNamespace(status_code=200, json=lambda: answer)


def sent(timeline: Path, at_once: int) -> Server:
    server = Server()
    with ImportStreamer() as streamer:
        streamer.set_sketch(server)
        streamer.set_entry_threshold(at_once)
        streamer.add_file(str(timeline))
    return server


@pytest.mark.parametrize("sample", ["psk_mismatch", "service_stopped", "silenced_log", "no_ipsec"])
def test_every_event_arrives_as_it_was_written(sample, tmp_path):
    policy = ROOT / "samples" / sample / "policy.toml"
    options = ["--policy", policy] if policy.exists() else []
    subprocess.run(
        [PROGRAM, "analyze", ROOT / "samples" / sample, "--out", tmp_path / "report", "--format", "timesketch", "--quiet", *options],
        check=True, stdout=subprocess.DEVNULL,
    )
    timeline = tmp_path / "report" / "timeline.jsonl"
    written = [json.loads(line) for line in timeline.read_text(encoding="utf-8").splitlines()]
    assert len(written) >= 3
    server = sent(timeline, 5)
    assert server.uploads == -(-len(written) // 5)
    assert len(server.events) == len(written)
    for event, line in zip(server.events, written):
        # The importer writes a time without a fraction where that is zero; the moment is the same.
        moment = datetime.fromisoformat(event.pop("datetime"))
        assert moment == datetime.fromisoformat(line.pop("datetime"))
        assert moment - datetime(1970, 1, 1, tzinfo=timezone.utc) == timedelta(microseconds=line["timestamp"])
        assert event == line
        # What the server refuses an event without, and a tag that is no list of texts.
        assert event["message"] and event["timestamp_desc"]
        assert all(isinstance(tag, str) and tag for tag in event["tag"])
