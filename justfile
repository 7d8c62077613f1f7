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

# What takes too long for the gate: licences, single features, the package in an empty root.
nightly:
    .ci/nightly

# What is handed out, in target/dist-files: program, .deb, bill of materials, checksums.
dist *target:
    cargo install --locked cargo-deb@3.8.0 cargo-cyclonedx@0.5.9
    packaging/make.sh dist {{target}}

# The same with a program that is linked with nothing, for Linux of any age.
dist-static:
    RUSTFLAGS="-C target-feature=+crt-static" just dist "$(rustc -vV | sed -n 's/^host: //p')"

# The container image.
image:
    docker build -f packaging/Dockerfile -t plainsight .

# The report of the samples, held against what they expect.
samples:
    cargo run --release -- analyze samples --out report --force
    cargo run --release --example check_samples -- samples report

# The tables of docs/accuracy.md.
accuracy lab="../shared/lab":
    cargo run --release --example accuracy -- {{lab}}
