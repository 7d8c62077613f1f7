//! What the program says of two hundred labelled incidents; docs/accuracy.md has two thousand.

use crate::support::incidents::score;

#[test]
fn two_hundred_incidents_are_told_as_they_were() {
    let score = score::of(0..200);
    let told = score.misses.join("\n");
    println!("{}\n{told}", score.table());
    assert_eq!(score.windows.right, 200, "{told}");
    for (what, share, least) in [
        ("first cause", score.first_cause, 700),
        ("first causes called high", score.high, 750),
        ("offset errors", score.offsets, 930),
    ] {
        assert!(share.per_mille() >= least, "{what}: {share}\n{told}");
    }
}
