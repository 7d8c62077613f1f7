#!/usr/bin/env bash
# Makes the seeds of the fuzz target `summary` anew, after a type that a summary holds has changed.
# usage: fuzz/make_summary_seeds.sh PLAINSIGHT   (from the project's folder)
set -euo pipefail
program=$1
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
for name in esp_null healthy psk_mismatch service_stopped silenced_log; do
    "$program" summarize "samples/$name" --out "$temporary/$name.summary"
    # Without the head (28 bytes) and the SHA-256 at the end (32 bytes).
    tail -c +29 "$temporary/$name.summary" | head -c -32 >"fuzz/corpus/summary/$name.content"
done
