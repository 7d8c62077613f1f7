#!/usr/bin/env bash
# Makes what is handed out, in target/dist-files: the program, a .deb of it with manual pages and completions, its bill of
# materials (CycloneDX), and checksums.
#
#   packaging/make.sh [PROFILE [TARGET]]     `dist` and this machine's own target, where they are not given
#
# Needs cargo-deb (on Linux) and cargo-cyclonedx. The program is static for a musl target, and for a glibc target
# that is named, with RUSTFLAGS="-C target-feature=+crt-static".
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${1:-dist}
target=${2:-$(rustc -vV | sed -n 's/^host: //p')}
# Where the target is named, cargo builds for it in a folder of its own, with flags that its own tools do not get.
with=(--profile "$profile")
built=target/$profile
if [ $# -gt 1 ]; then
    with+=(--target "$target")
    built=target/$target/$profile
fi
case $target in *windows*) exe=.exe ;; *) exe= ;; esac
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
made=target/dist-files
name=plainsight-$version-$target
# Where cargo-deb looks for the program.
export CARGO_TARGET_DIR=target

rm -rf "$made"
mkdir -p "$made/man" "$made/completions"
cargo build --locked "${with[@]}"
program=$built/plainsight$exe

# The program prints both, so it has to run here.
# One page a file: `policy import` is plainsight-policy-import.
"$program" man plainsight | gzip -9n >"$made/man/plainsight.1.gz"
for command in analyze inspect summarize correlate compare explain verify pseudonyms \
    policy 'policy check' 'policy import' 'policy init' schema completions man; do
    # shellcheck disable=SC2086 # a command and its subcommand
    "$program" man $command | gzip -9n >"$made/man/plainsight-${command// /-}.1.gz"
done
"$program" completions bash >"$made/completions/plainsight.bash"
"$program" completions zsh >"$made/completions/_plainsight"
"$program" completions fish >"$made/completions/plainsight.fish"
"$program" completions nushell >"$made/completions/plainsight.nu"

cp "$program" "$made/$name$exe"
case $target in
*linux*) cargo deb --locked --no-build "${with[@]}" --output "$made/" ;;
esac
cargo cyclonedx --format json --target "$target" --override-filename "$name.cdx"
mv "$name.cdx.json" "$made/"
cd "$made"
for file in *; do
    if [ -f "$file" ]; then
        if command -v sha256sum >/dev/null; then sha256sum "$file"; else shasum -a 256 "$file"; fi
    fi
done >../SHA256SUMS
mv ../SHA256SUMS .
ls -l
