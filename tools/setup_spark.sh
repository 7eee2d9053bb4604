#!/usr/bin/env bash
# Prepares the Spark engine of a virtual environment: finds Java 17 or 21 (installs 17 if the package manager can), lets
# Spark resolve Delta's jars once, and writes both to the configuration of its Spark, so that runs need no network.
set -euo pipefail

venv=${1:?usage: setup_spark.sh VENV}
python="$venv/bin/python"
quietly="$(dirname "$0")/quietly.sh"

java_major() { "$1" -version 2>&1 | sed -nE 's/.*version "([0-9]+).*/\1/p' | head -n 1; }

find_java() {
    local candidate
    for candidate in "${JAVA_HOME:+$JAVA_HOME/bin/java}" "$(command -v java || true)" /usr/lib/jvm/*/bin/java \
        /opt/homebrew/opt/openjdk@17/bin/java /usr/local/opt/openjdk@17/bin/java; do
        [ -n "$candidate" ] && [ -x "$candidate" ] || continue
        case "$(java_major "$candidate")" in
            17 | 21) readlink -f "$candidate" && return 0 ;;
        esac
    done
    return 1
}

install_java() {
    local sudo=""
    [ "$(id -u)" -eq 0 ] || sudo="sudo -n"
    if command -v apt-get >/dev/null; then
        "$quietly" $sudo apt-get update -qq && "$quietly" $sudo apt-get install -y -qq openjdk-17-jre-headless
    elif command -v dnf >/dev/null; then
        "$quietly" $sudo dnf install -y -q java-17-openjdk-headless
    elif command -v brew >/dev/null; then
        "$quietly" brew install --quiet openjdk@17
    else
        return 1
    fi
}

if ! java=$(find_java); then
    echo "No Java 17 or 21 found; installing Java 17."
    install_java >&2 || true
    java=$(find_java) || {
        echo "The Spark engine needs Java 17 or 21. Install a JRE, for example openjdk-17-jre-headless (Debian, Ubuntu)," >&2
        echo "java-17-openjdk-headless (Fedora) or openjdk@17 (Homebrew), or set JAVA_HOME, and run make setup again." >&2
        echo "The embedded engine works without it: make demo." >&2
        exit 1
    }
fi

export JAVA_HOME=${java%/bin/java}
"$quietly" "$python" "$(dirname "$0")/resolve_delta_jars.py"
