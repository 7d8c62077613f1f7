//! What `compare --html` prints: one page for people, from the comparison's own types.
//!
//! Escaped by the template, sealed as report.html is: nothing runs, nothing is loaded.

use super::FormatError;
use super::compare_schema::{Comparison, PairChange, PairState, Side};
use super::html::all_visible;
use crate::evidence::sha256_digest;
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The page.
///
/// # Errors
/// Where the template cannot be filled; no comparison can cause that.
pub fn comparison_page(comparison: &Comparison) -> Result<Vec<u8>, FormatError> {
    let digest = STANDARD.encode(sha256_digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    );
    let page = Page { comparison, policy, style: STYLE, changes: changes(comparison) };
    Ok(all_visible(&page.render().map_err(|error| FormatError::Html(error.into()))?).into_bytes())
}

#[derive(Template)]
#[template(path = "comparison.html")]
struct Page<'a> {
    comparison: &'a Comparison,
    policy: String,
    style: &'static str,
    /// The pairs by what became of them, the worst first.
    changes: Vec<&'a [PairChange]>,
}

impl Page<'_> {
    fn words(&self, code: &str) -> String {
        code.replace('_', " ")
    }

    fn paths(&self, paths: &[String]) -> String {
        paths.join(", ")
    }

    fn time<'t>(&self, time: &'t Option<String>) -> &'t str {
        time.as_deref().unwrap_or("no packet")
    }

    /// The leading reasons of its windows: opened, kept open, closed by.
    fn roles(&self, state: &PairState) -> String {
        super::compare::roles(state).join("; ")
    }

    fn two(&self) -> [(&'static str, &Side); 2] {
        [("Before", &self.comparison.before), ("After", &self.comparison.after)]
    }

    fn sides<'p>(&self, pair: &'p PairChange) -> [(&'static str, Option<&'p PairState>); 2] {
        [("before", pair.before.as_ref()), ("after", pair.after.as_ref())]
    }
}

/// The pairs are in this order already.
fn changes(comparison: &Comparison) -> Vec<&[PairChange]> {
    comparison.pairs.chunk_by(|one, next| one.change == next.change).collect()
}

const STYLE: &str = include_str!("html/comparison.css");
