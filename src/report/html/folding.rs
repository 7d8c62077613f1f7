//! The rows of a long table as compact data: pieces that many rows share are written once.
//!
//! The template writes all rows; those behind the first part are between marks, and come to be in a script
//! element as JSON, from which `tables.js` makes rows when they are asked for.

use serde_json::{Value, json};
use std::collections::HashMap;

/// The page with every marked part made compact.
pub(super) fn fold_rows(page: &str) -> String {
    let mut folded = String::with_capacity(page.len() / 2);
    let mut rest = page;
    while let Some((before, marked)) = rest.split_once(BEGIN) {
        let Some((rows, after)) = marked.split_once(END) else { break };
        folded.push_str(before);
        folded.push_str(&compact(rows));
        folded.push_str("</script>");
        rest = after;
    }
    folded.push_str(rest);
    folded
}

/// `{"pieces": […], "rows": [[…]]}`: a row is made of texts and of numbers of pieces.
fn compact(rows: &str) -> String {
    let rows: Vec<Vec<&str>> = rows.split_inclusive("</tr>").map(pieces).collect();
    let rows: Vec<Vec<&str>> = rows.into_iter().filter(|row| !row.is_empty()).collect();
    let mut times: HashMap<&str, usize> = HashMap::new();
    for piece in rows.iter().flatten() {
        *times.entry(piece).or_default() += 1;
    }
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut shared: Vec<&str> = Vec::new();
    let mut written: Vec<Vec<Value>> = Vec::new();
    for row in &rows {
        let mut parts: Vec<Value> = Vec::new();
        for piece in row {
            if times.get(piece).copied().unwrap_or_default() > 1 && piece.len() > SHORT {
                let number = *numbers.entry(piece).or_insert_with(|| {
                    shared.push(piece);
                    shared.len() - 1
                });
                parts.push(json!(number));
            } else if let Some(Value::String(text)) = parts.last_mut() {
                text.push_str(piece);
            } else {
                parts.push(json!(piece));
            }
        }
        written.push(parts);
    }
    // What evidence says is escaped, so `</` is the only thing here that could end the script element.
    let json = json!({"pieces": shared, "rows": written}).to_string().replace("</", "<\\/");
    let rows = written.len();
    format!("<script type=\"application/json\" class=\"rest\" data-rows=\"{rows}\">{json}")
}

/// A row in parts that are likely to come again: its cells, and the lines in them.
fn pieces(row: &str) -> Vec<&str> {
    let row = row.trim();
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, _) in row.match_indices('<') {
        let is_seam =
            row.get(at..).is_some_and(|tail| SEAMS.iter().any(|seam| tail.starts_with(seam)));
        if is_seam && at > start {
            pieces.extend(row.get(start..at));
            start = at;
        }
    }
    pieces.extend(row.get(start..).filter(|piece| !piece.is_empty()));
    pieces
}

/// Between which `page.html` puts the rows; text of evidence cannot hold them.
const BEGIN: &str = "<template class=\"rest\">";
const END: &str = "</template>";
const SEAMS: [&str; 4] = ["<td", "<th", "<br>", "<button"];
/// A number in the list costs as much.
const SHORT: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were() {
        let row = |id: &str| format!("<tr id=\"{id}\"><th>{id}</th><td>the same in both</td></tr>");
        let page = format!("a{BEGIN}{}\n{}\n{END}b", row("W1"), row("W2"));
        let folded = fold_rows(&page);
        let json =
            folded.split_once("data-rows=\"2\">").unwrap().1.split_once("</script>").unwrap().0;
        let data: Value = serde_json::from_str(json).unwrap();
        assert_eq!(data["pieces"].as_array().unwrap().len(), 1);
        let rows = data["rows"].as_array().unwrap().iter().map(|parts| {
            let part = |part: &Value| match part.as_u64() {
                Some(number) => data["pieces"][usize::try_from(number).unwrap()].clone(),
                None => part.clone(),
            };
            let parts = parts.as_array().unwrap().iter().map(part);
            parts.map(|part| part.as_str().unwrap().to_owned()).collect::<String>()
        });
        assert_eq!(rows.collect::<Vec<_>>(), [row("W1"), row("W2")]);
        assert!(folded.starts_with('a') && folded.ends_with('b'));
    }
}
