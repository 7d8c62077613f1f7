//! What the program says of two hundred labelled incidents; docs/accuracy.md has two thousand.

use crate::support::incidents::score;

#[test]
fn two_hundred_incidents_are_reported_as_they_were() {
    let score = score::of(0..200);
    let reported = score.misses.join("\n");
    println!("{}\n{reported}", score.table());
    assert_eq!(score.windows.right, 200, "{reported}");
    for (what, share, least) in [
        ("exact joins", score.joins, 1000),
        ("first cause", score.first_cause, 950),
        ("opened by", score.opened, 950),
        ("kept open by", score.kept, 950),
        ("closed by", score.closed, 950),
        ("causes called high", score.high, 980),
        ("offset errors", score.offsets, 950),
    ] {
        assert!(share.per_mille() >= least, "{what}: {share}\n{reported}");
    }
}
