#!/usr/bin/env bash
# Runs a command without its output; if it fails, shows all of it and ends with its exit code.
set -uo pipefail

shown=$("$@" 2>&1) && exit 0
code=$?
printf '%s\n' "$shown" >&2
exit "$code"
