#!/usr/bin/env bash
# Builds versitygw, an S3 server over a folder, into VENV/bin, with Go (which the package manager may install). Without
# Go, the tests of object stores are skipped, and `make object-store-demo` says so.
set -euo pipefail

venv=${1:?usage: setup_object_store.sh VENV}
quietly="$(dirname "$0")/quietly.sh"
version=v1.8.0

# A server of one's own, such as a release that is installed already, is as good.
[ -x "$venv/bin/versitygw" ] && exit 0
command -v versitygw >/dev/null && exit 0

if ! command -v go >/dev/null; then
    sudo=""
    [ "$(id -u)" -eq 0 ] || sudo="sudo -n"
    if command -v apt-get >/dev/null; then
        "$quietly" $sudo apt-get update -qq &&
            "$quietly" $sudo apt-get install -y -qq --no-install-recommends golang-go || true
    elif command -v dnf >/dev/null; then
        "$quietly" $sudo dnf install -y -q golang || true
    elif command -v brew >/dev/null; then
        "$quietly" brew install --quiet go || true
    fi
fi
if command -v go >/dev/null; then
    echo "Builds versitygw $version for the tests of object stores; this takes a few minutes." >&2
    GOBIN=$(cd "$venv/bin" && pwd) "$quietly" nice go install \
        "github.com/versity/versitygw/cmd/versitygw@$version" || true
fi
[ -x "$venv/bin/versitygw" ] ||
    echo "versitygw is missing and could not be built with Go: the tests of object stores are skipped." >&2
