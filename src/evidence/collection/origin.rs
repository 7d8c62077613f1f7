//! Where a collected file was on its host, and which host that was, from the names that collectors give to
//! members.
//!
//! Sources: Velociraptor, reporting/container.go and utils/sanitize.go; for KAPE, CyLR and others the drive's
//! letter as a folder, as in real collections.

use crate::evidence::Origin;

impl Origin {
    /// The origin of a member of a collection from a host.
    pub(super) fn from_name(member: &str, host: Option<&str>) -> Option<Self> {
        let path = original_path(member);
        let host = host.map(str::to_owned);
        (path.is_some() || host.is_some()).then_some(Self { path, host })
    }
}

/// The path on the host; `None` where the name does not have the layout of a collector.
fn original_path(member: &str) -> Option<String> {
    let inner = member.rsplit_once("!/").map_or(member, |(_, inner)| inner);
    let parts: Vec<&str> = inner.split('/').collect();
    let uploads = parts.iter().position(|part| *part == "uploads");
    let accessor = uploads.and_then(|at| parts.get(at + 1));
    if let Some(at) = uploads.filter(|_| accessor.is_some_and(|name| ACCESSORS.contains(name))) {
        let path: Vec<String> = parts.get(at + 2..)?.iter().map(|part| unescaped(part)).collect();
        let is_windows = path.first().is_some_and(|first| first.ends_with(':'));
        return Some(if is_windows { path.join("\\") } else { format!("/{}", path.join("/")) });
    }
    let is_drive = |part: &str| {
        let letter = part.strip_suffix(':').or_else(|| part.strip_suffix("%3A")).unwrap_or(part);
        letter.len() == 1 && letter.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let is_of_windows = |part: &str| FOLDERS.iter().any(|folder| part.eq_ignore_ascii_case(folder));
    let at = parts.windows(2).position(|pair| match pair {
        [drive, folder] => is_drive(drive) && is_of_windows(folder),
        _ => false,
    })?;
    let letter = parts.get(at)?.get(..1)?.to_ascii_uppercase();
    Some(format!("{letter}:\\{}", parts.get(at + 1..)?.join("\\")))
}

/// Decodes `%XX` once: a percent sign of the name itself is `%25`.
fn unescaped(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|_| *first == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { behind.get(2..).unwrap_or_default() } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The host that Velociraptor's client_info.json names.
pub(super) fn host_of(client_info: &[u8]) -> Option<String> {
    let info: serde_json::Value = serde_json::from_slice(client_info).ok()?;
    let os = info.get("os_info");
    let names = ["Hostname", "hostname"].into_iter();
    let found = names.filter_map(|name| info.get(name).or_else(|| os?.get(name))).next()?;
    let name = found.as_str()?.trim();
    (!name.is_empty() && name.len() <= LONGEST_HOST).then(|| name.to_owned())
}

/// Whether a member is one in which a collector describes its own work: tables of results, and logs.
pub(super) fn is_of_collector(member: &str) -> bool {
    let inner = member.rsplit_once("!/").map_or(member, |(_, inner)| inner);
    let (folder, name) = inner.rsplit_once('/').unwrap_or(("", inner));
    let lower = name.to_ascii_lowercase();
    let is_table = [".json", ".csv", ".jsonl"].iter().any(|end| lower.ends_with(end));
    let is_result = folder.split('/').any(|part| part == "results") && is_table;
    let ends = ["_copylog.csv", "_skiplog.csv", "_skiplog.csv.csv", "_consolelog.txt"];
    is_result || ends.iter().any(|end| lower.ends_with(end)) || WRITTEN.contains(&name)
}

/// Velociraptor's accessors.
const ACCESSORS: &[&str] =
    &["auto", "file", "fs", "lazy_ntfs", "mft", "ntfs", "ntfs_vss", "raw_reg", "vss", "zip"];
/// Folders below the root of Windows' drive.
const FOLDERS: &[&str] = &["Windows", "Users", "ProgramData", "Program Files", "PerfLogs"];
/// The files that Velociraptor writes beside its results.
const WRITTEN: &[&str] = &[
    "client_info.json",
    "collection_context.json",
    "log.json",
    "metadata.json",
    "requests.json",
    "uploads.json",
];
const LONGEST_HOST: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_members_show_the_path_on_the_host() {
        for (member, path) in [
            (
                "uploads/ntfs/%5C%5C.%5CC%3A/Windows/System32/winevt/Logs/A%254B.evtx",
                Some(r"\\.\C:\Windows\System32\winevt\Logs\A%4B.evtx"),
            ),
            ("data.zip!/uploads/auto/C%3A/x.etl", Some(r"C:\x.etl")),
            ("uploads/file/var/log/charon.log", Some("/var/log/charon.log")),
            ("C/Windows/System32/a.evtx", Some(r"C:\Windows\System32\a.evtx")),
            ("fs/c:/windows/a.evtx", Some(r"C:\windows\a.evtx")),
            ("logs/Security.evtx", None),
            ("uploads/x.evtx", None),
            ("C/notes.txt", None),
        ] {
            assert_eq!(original_path(member).as_deref(), path, "{member}");
        }
    }

    #[test]
    fn what_the_collector_wrote_is_no_evidence_of_the_host() {
        for name in ["results/A.B.json", "uploads.json", "x_CopyLog.csv", "data.zip!/log.json"] {
            assert!(is_of_collector(name), "{name}");
        }
        assert!(!is_of_collector("C/x.json"));
        assert_eq!(host_of(b"{\"Hostname\": \"WS01\"}").as_deref(), Some("WS01"));
        assert_eq!(host_of(b"{\"os_info\":{\"hostname\":\"WS01\"}}").as_deref(), Some("WS01"));
        assert_eq!(host_of(b"[]"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_name_makes_it_panic(name in "[uploads/ntfs%:C2-5 Windowä!]{0,40}") {
            let _ = (original_path(&name), is_of_collector(&name));
        }
    }
}
