#!/bin/sh
# Makes .venv with the pinned requirements. Needs Python 3.11 or newer, and nothing else.
#   ./bootstrap.sh            everything: the stand-in cloud, the tests and the linters too
#   ./bootstrap.sh operate    only what `python -m automation` needs
set -eu
cd "$(dirname "$0")"

say() { printf '%s\n' "$*" >&2; }

case "${1-}" in
"") REQUIREMENTS=requirements-dev.txt COMPLETE=.venv/.complete ;;
# `make` looks for .complete, and so replaces this environment where it needs the other one.
operate) REQUIREMENTS=requirements-operate.txt COMPLETE=.venv/.operate ;;
*)
    say "usage: ./bootstrap.sh [operate]"
    exit 2
    ;;
esac

PYTHON=${PYTHON:-python3}
if ! command -v "$PYTHON" >/dev/null; then
    say "error: no python3 on PATH. Install Python 3.11 or newer (Debian: apt-get install python3)."
    exit 1
fi
if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    say "error: $("$PYTHON" --version) is too old. Name Python 3.11 or newer: make PYTHON=python3.12"
    exit 1
fi
# Two commands at once: the second waits, and finds what the first has installed. The lock is an
# open file, which this shell inherits, so the system frees it however this shell ends.
if [ -z "${BOOTSTRAP_LOCK-}" ]; then
    exec "$PYTHON" - "$@" <<'LOCK'
import fcntl, os, sys, time

lock = os.open(".venv.lock", os.O_RDWR | os.O_CREAT, 0o644)
waited = ""
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print(f"Waiting for process {os.pread(lock, 99, 0).decode()}", file=sys.stderr)
    fcntl.flock(lock, fcntl.LOCK_EX)
    waited = "waited"
os.ftruncate(lock, 0)
os.pwrite(lock, f"{os.getpid()}, at work since {time.strftime('%X')}".encode(), 0)
os.set_inheritable(lock, True)
os.environ["BOOTSTRAP_LOCK"] = waited or "free"
os.execvp("sh", ["sh", "bootstrap.sh", *sys.argv[1:]])
LOCK
fi
if [ "$BOOTSTRAP_LOCK" = waited ] && [ -e "$COMPLETE" ]; then
    changed=$(find bootstrap.sh requirements-bootstrap.txt "$REQUIREMENTS" -newer "$COMPLETE")
    [ -n "$changed" ] || exit 0
fi
# Debian splits venv off into a package of its own.
if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        say "error: this Python lacks venv. Run: sudo apt-get install python3-venv"
        exit 1
    fi
    say "… Installing python3-venv from Debian"
    apt-get update -qq >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
fi

say "… Installing the pinned requirements into .venv (about half a minute, once)"
"$PYTHON" -m venv --clear .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
    --requirement requirements-bootstrap.txt
.venv/bin/python -m uv pip install --quiet --python .venv/bin/python --require-hashes \
    --requirement "$REQUIREMENTS"
# The client and the stand-in cloud are distributions: here, their sources are used as they are.
printf '%s\n' "$PWD/client/src" "$PWD/localcloud/src" >"$(.venv/bin/python -c \
    'import sysconfig; print(sysconfig.get_path("purelib"))')/checkout.pth"
touch "$COMPLETE"
