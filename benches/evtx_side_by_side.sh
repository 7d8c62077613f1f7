#!/bin/sh
# Times plainsight against evtx_dump, one after the other in one run, on a log of 1 GiB with one
# IPsec event in a thousand; prints the medians and their ratio.
#
#   benches/evtx_side_by_side.sh [FILE [ROUNDS]]
#
# Needs evtx_dump (cargo install evtx --version '=0.15.1'); EVTX_DUMP and PLAINSIGHT name the programs.
set -eu
file=${1:-/tmp/plainsight-busy.evtx}
rounds=${2:-7}
dump=${EVTX_DUMP:-evtx_dump}
plainsight=${PLAINSIGHT:-target/release/plainsight}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
[ -f "$file" ] || cargo run --release --example busy_log -- "$file" 1024
cat "$file" > /dev/null

seconds() {
    began=$(date +%s.%N)
    "$@" > /dev/null 2> "$out/words"
    ended=$(date +%s.%N)
    echo "$began $ended" | awk '{ printf "%.3f\n", $2 - $1 }'
}

median() {
    sort -n "$1" | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}

round=0
while [ "$round" -lt "$rounds" ]; do
    seconds "$dump" -t 2 -o jsonl "$file" >> "$out/dump"
    seconds "$plainsight" analyze --no-hash --out "$out/report" --force "$file" >> "$out/bare"
    seconds "$plainsight" analyze --out "$out/report" --force "$file" >> "$out/hashed"
    round=$((round + 1))
done
for name in dump bare hashed; do
    echo "$name $(median "$out/$name") $(median "$out/dump")" |
        awk '{ printf "%-8s %7.3f s  %.2f of evtx_dump -t 2\n", $1, $2, $2 / $3 }'
done
