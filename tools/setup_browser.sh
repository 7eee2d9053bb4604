#!/usr/bin/env bash
# Installs Chromium for the test of the nightly report, if the package manager can; without it, the test is skipped.
set -euo pipefail

for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && exit 0
done
quietly="$(dirname "$0")/quietly.sh"
sudo=""
[ "$(id -u)" -eq 0 ] || sudo="sudo -n"
if command -v apt-get >/dev/null; then
    "$quietly" $sudo apt-get update -qq &&
        "$quietly" $sudo apt-get install -y -qq --no-install-recommends chromium fonts-inter || true
elif command -v dnf >/dev/null; then
    "$quietly" $sudo dnf install -y -q chromium || true
fi
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && exit 0
done
echo "Chromium is missing and could not be installed: the test that opens the nightly report in a browser is skipped." >&2
