#!/bin/sh
# Times plainsight against other tools over the same captures, side by side in one run, and prints
# ratios; then how its time grows with the file and with threads, and its peak memory.
#
#   benches/compare.sh [FOLDER [ROUNDS]]
#
# FOLDER keeps the captures (made once, 14 GB; 3 GB with SMALL=1). Needs hyperfine and jq, and of
# tcpdump, capinfos, tshark, argus and openssl those that are to be compared with.
set -eu
folder=${1:-/tmp/plainsight-captures}
rounds=${2:-7}
cargo build --release --example busy_capture
cargo build --release
make=target/release/examples/busy_capture
plainsight=${PLAINSIGHT:-target/release/plainsight}
mkdir -p "$folder"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

capture() { # NAME KIND FRAMES
    [ -f "$folder/$1.pcap" ] || "$make" "$2" "$3" "$folder/$1.pcap"
}
capture imix imix 2500000
capture small 64_octets 4000000
capture long 1518_octets 1000000
capture flood ike_flood 1000000
capture fragments fragments 2000000
capture imix_tenth imix 250000
for flows in 64 20000 200000; do
    capture "flows_$flows" "flows_$flows" 2000000
done
if [ -z "${SMALL:-}" ]; then
    capture imix_ten imix 25000000
    capture pairs many_pairs 10000000
fi

# Runs commands by turns and prints their medians, and their ratios to the first.
compare() { # TITLE FILE, then NAME and COMMAND by turns
    title=$1 file=$2
    shift 2
    cat "$file" > /dev/null
    set -- "$@" --
    names='' given=0
    while [ "$1" != -- ]; do
        tool=${2%% *}
        if command -v "$tool" > /dev/null; then
            set -- "$@" --command-name "$1" "$2"
        else
            echo "($tool is not here)"
        fi
        shift 2
    done
    shift
    hyperfine --shell sh --warmup 1 --runs "$rounds" --export-json "$out/times.json" "$@" > "$out/words" 2>&1 ||
        { cat "$out/words"; exit 1; }
    printf '\n%s (%s)\n' "$title" "$(wc -c < "$file") octets"
    jq -r '.results[0].median as $first | .results[] |
        [.command, (.median * 1000 | round), (.min * 1000 | round), ($first / .median * 100 | round / 100)] | @tsv' \
        "$out/times.json" | awk -F '\t' '{ printf "%-34s %7d ms  (least %6d)  first is %5.2f of it\n", $1, $2, $3, $4 }'
}
analyze="$plainsight analyze --force --out $out/report"

for name in imix small long; do
    file=$folder/$name.pcap
    compare "$name: without hashing" "$file" \
        'plainsight --no-hash' "$analyze --no-hash $file" \
        "tcpdump 'udp port 500'" "tcpdump -nr $file 'udp port 500' > /dev/null 2>&1" \
        'cat' "cat $file > /dev/null" \
        'capinfos -c' "capinfos -c $file > /dev/null" \
        'argus' "argus -r $file -w /dev/null"
    compare "$name: with SHA-256" "$file" \
        'plainsight' "$analyze $file" \
        'openssl dgst -sha256' "openssl dgst -sha256 $file"
done

# CPU time of one thread, which depends less on what else the machine does: medians, and ratios.
printf '\nCPU time a frame on one thread, by the number of flows (2 million frames, every packet different)\n'
cpu() { # COMMAND: the median of user and system time, in nanoseconds a frame
    round=0
    while [ "$round" -lt "$rounds" ]; do
        /usr/bin/time -o "$out/cpu" -f '%U %S' sh -c "$1" > /dev/null 2>&1
        tail -n1 "$out/cpu"
        round=$((round + 1))
    done | awk '{ print ($1 + $2) * 500 }' | sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}
least=
for flows in 64 20000 200000; do
    file=$folder/flows_$flows.pcap
    cat "$file" > /dev/null
    ours=$(cpu "exec $analyze --no-hash --threads 1 $file")
    least=${least:-$ours}
    echo "$flows $ours $least" | awk '{ printf "%7d flows %6d ns, %5.2f of 64 flows", $1, $2, $2 / ($3 > 0 ? $3 : 1) }'
    if command -v tcpdump > /dev/null; then
        filter=$(cpu "exec tcpdump -nr $file 'udp port 500'")
        echo "$ours $filter" | awk '{ printf "; tcpdump %6d ns, plainsight is %5.2f of it", $2, $1 / ($2 > 0 ? $2 : 1) }'
    fi
    echo
done
for flows in 64 200000; do
    compare "flows_$flows: two threads" "$folder/flows_$flows.pcap" \
        '2 threads' "$analyze --no-hash --threads 2 $folder/flows_$flows.pcap" \
        '1 thread' "$analyze --no-hash --threads 1 $folder/flows_$flows.pcap" \
        "tcpdump 'udp port 500'" "tcpdump -nr $folder/flows_$flows.pcap 'udp port 500' > /dev/null 2>&1"
done
file=$folder/imix.pcap
compare 'imix: threads' "$file" \
    '2 threads' "$analyze --no-hash --threads 2 $file" \
    '1 thread' "$analyze --no-hash --threads 1 $file"
gzip -kf1 "$folder/imix_tenth.pcap"
compare 'imix, gzip' "$folder/imix_tenth.pcap.gz" \
    'plainsight --no-hash' "$analyze --no-hash $folder/imix_tenth.pcap.gz" \
    'gzip -dc' "gzip -dc $folder/imix_tenth.pcap.gz > /dev/null"

printf '\nsize, time and peak memory of one run each, --no-hash\n'
for file in "$folder"/imix_tenth.pcap "$folder"/imix.pcap "$folder"/imix_ten.pcap "$folder"/small.pcap \
    "$folder"/long.pcap "$folder"/flood.pcap "$folder"/fragments.pcap "$folder"/flows_200000.pcap \
    "$folder"/pairs.pcap; do
    [ -f "$file" ] || continue
    cat "$file" > /dev/null
    /usr/bin/time -o "$out/time" -f '%e %M' $analyze --no-hash "$file" > /dev/null 2>&1
    echo "$(wc -c < "$file") $(tail -n1 "$out/time")" | awk -v name="$(basename "$file")" \
        '{ printf "%-20s %8.2f GB %7.2f s %6.2f GB/s %8.1f MB\n", name, $1 / 1e9, $2, $1 / 1e9 / $2, $3 / 1024 }'
done
if command -v tshark > /dev/null; then
    printf '\ntshark -z io,stat,0 over imix_tenth: '
    /usr/bin/time -f '%e s' tshark -q -z io,stat,0 -r "$folder/imix_tenth.pcap" 2>&1 > /dev/null | tail -n1
fi
