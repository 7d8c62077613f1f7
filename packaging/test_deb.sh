#!/usr/bin/env bash
# Installs a .deb into an empty root with dpkg, checks what it brings, and runs the program there.
#
#   packaging/test_deb.sh FILE.deb           as root
#
# The root holds the package, what its program is linked with (a static one: nothing) and the samples.
set -euo pipefail
cd "$(dirname "$0")/.."
deb=$(realpath "$1")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/tmp"
touch "$root/var/lib/dpkg/status"

# Dependencies are those of a system; this root has none, and its libraries are put there below.
dpkg --root="$root" --force-depends --force-script-chrootless --install "$deb"
dpkg --root="$root" --status plainsight | grep -qx 'Status: install ok installed'
for file in usr/bin/plainsight usr/share/man/man1/plainsight.1.gz usr/share/man/man1/plainsight-policy-import.1.gz \
    usr/share/bash-completion/completions/plainsight usr/share/zsh/vendor-completions/_plainsight \
    usr/share/fish/vendor_completions.d/plainsight.fish \
    usr/share/nushell/vendor/autoload/plainsight.nu usr/share/doc/plainsight/copyright; do
    [ -s "$root/$file" ] || { echo "$file is not in the package"; exit 1; }
done
# One page for each command, under its own name.
for page in "$root"/usr/share/man/man1/*.1.gz; do
    name=$(basename "$page" .1.gz)
    [ "$(zcat "$page" | grep '^\.TH ' | cut -d' ' -f2)" = "$name" ] || { echo "$name.1.gz is not the page of $name alone"; exit 1; }
done
[ "$(ls "$root"/usr/share/man/man1 | wc -l)" -eq 16 ]
bash -n "$root/usr/share/bash-completion/completions/plainsight"

# Of a static program ldd names none.
{ ldd "$root/usr/bin/plainsight" | grep -o '/[^ ]*' || true; } | while read -r library; do
    mkdir -p "$root/$(dirname "$library")"
    cp -L "$library" "$root/$library"
done
cp -r samples "$root/tmp/samples"
# Tables are hashed with a random seed, which a static program takes from there.
mkdir -p "$root/dev"
mknod -m 666 "$root/dev/random" c 1 8
mknod -m 666 "$root/dev/urandom" c 1 9
chroot "$root" /usr/bin/plainsight --version
chroot "$root" /usr/bin/plainsight analyze /tmp/samples/psk_mismatch --out /tmp/report --quiet
chroot "$root" /usr/bin/plainsight verify /tmp/report
[ -s "$root/tmp/report/report.html" ]

dpkg --root="$root" --force-script-chrootless --purge plainsight
[ ! -e "$root/usr/bin/plainsight" ]
echo "$(basename "$deb"): installed, run and removed"
