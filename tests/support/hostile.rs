//! A log whose every text tries to be something else where it is shown.

use super::program::{plainsight, report_in};
use plainsight::report::schema::Report;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A formula and a script in one.
pub(crate) const HOSTILE: &str = "=cmd()<script>alert(1)</script>";

/// The formats for programs.
pub(crate) const FORMATS: &str = "json,csv,timesketch,ecs,parquet";

/// The report of every sample and of a hostile log, in every format for programs.
pub(crate) fn written() -> (TempDir, PathBuf, Report) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let log = hostile_log(folder.path());
    let mut command = plainsight();
    command.arg("analyze").arg(samples).arg(log).arg("--out").arg(&out);
    command.args(["--format", FORMATS]).assert().code(0);
    let report = report_in(&out);
    assert!(!report.windows.is_empty() && !report.log_events.is_empty());
    (folder, out, report)
}

/// Writes the log into `folder` as an XML export; gives its path.
pub(crate) fn hostile_log(folder: &Path) -> PathBuf {
    let path = folder.join("hostile.xml");
    std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), LOG.as_bytes()).unwrap();
    path
}

/// An IKE failure (4653). The record number is the greatest that fits; there are quotes, ends of
/// lines, what cannot be seen, formulas in either width, what pandas takes for a missing value, names that JavaScript and Elasticsearch know, and
/// an apostrophe before a formula.
const LOG: &str = r#"<Events><Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System>
<Provider Name="Microsoft-Windows-Security-Auditing"/><EventID>4653</EventID><Version>0</Version>
<TimeCreated SystemTime="2026-11-23T08:04:30.1234567Z"/><EventRecordID>18446744073709551615</EventRecordID>
<Channel>Security</Channel><Computer>=cmd()&lt;script&gt;alert(1)&lt;/script&gt;</Computer></System><EventData>
<Data Name="=cmd()">=cmd|'/c calc'!A1</Data><Data Name="LocalAddress">10.0.0.1</Data><Data Name="RemoteAddress">10.0.0.2</Data>
<Data Name="State">'=1+1</Data>
<Data Name="FailureReason">&lt;script&gt;alert(1)&lt;/script&gt;, "quoted"&#13;&#10;&#9;=second line;&#13;NA</Data>
<Data Name="a.b">dotted</Data><Data Name="">no name</Data><Data Name="__proto__">NA</Data><Data Name="hidden">a&#x202e;b&#x9b;c&#x2028;d&#x2066;e&#xfeff;</Data><Data Name="wide">＝1+1;=2</Data><Data Name=".">null</Data></EventData></Event></Events>
"#;
