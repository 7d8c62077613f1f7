# What the gate checks.
check:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    cargo test
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
    cargo bench --no-run

test:
    cargo test

bench:
    cargo bench

# One fuzz target for a minute; needs cargo-fuzz and a nightly toolchain.
fuzz target:
    cargo +nightly fuzz run {{target}} -- -max_total_time=60

# The report of the samples, held against what they expect.
samples:
    cargo run --release -- analyze samples --out report --force
    cargo run --release --example check_samples -- samples report

# The tables of docs/accuracy.md.
accuracy lab="../shared/lab":
    cargo run --release --example accuracy -- {{lab}}
