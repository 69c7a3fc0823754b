#!/bin/sh
# Creates .venv with the pinned requirements. Needs only Python 3.11 or newer.
#   ./bootstrap.sh            everything, with the stand-in cloud, the tests and the linters
#   ./bootstrap.sh operate    only what `python -m automation` and `neo4j-mcp` need
set -eu
cd "$(dirname "$0")"

say() { printf '%s\n' "$*" >&2; }

case "${1-}" in
"") REQUIREMENTS=requirements-dev.txt COMPLETE=.venv/.complete ;;
# `make` looks for .complete, so it replaces this environment when it needs the other one.
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
    say "error: $("$PYTHON" --version) is too old. Use Python 3.11 or newer: make PYTHON=python3.12"
    exit 1
fi
# If two commands run at once, the second waits and uses what the first one installed. The lock is an
# open file that this shell inherits, so the system releases it however this shell ends.
if [ -z "${BOOTSTRAP_LOCK-}" ]; then
    exec "$PYTHON" - "$@" <<'LOCK'
import fcntl, os, signal, sys, time

# One Ctrl-C ends the wait, without a traceback. A signal that is ignored stays ignored.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
lock = os.open(".venv.lock", os.O_RDWR | os.O_CREAT, 0o644)
waited = ""
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print(f"Waiting for process {os.pread(lock, 99, 0).decode()}", file=sys.stderr)
    fcntl.flock(lock, fcntl.LOCK_EX)
    waited = "waited"
os.ftruncate(lock, 0)
os.pwrite(lock, f"{os.getpid()}, installing since {time.strftime('%X')}".encode(), 0)
os.set_inheritable(lock, True)
os.environ["BOOTSTRAP_LOCK"] = waited or "free"
os.execvp("sh", ["sh", "bootstrap.sh", *sys.argv[1:]])
LOCK
fi
if [ "$BOOTSTRAP_LOCK" = waited ] && [ -e "$COMPLETE" ]; then
    changed=$(find bootstrap.sh requirements-bootstrap.txt "$REQUIREMENTS" -newer "$COMPLETE")
    [ -n "$changed" ] || exit 0
fi
# Debian has venv in a separate package.
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
# The client's command, as its own installation would add it.
cat >.venv/bin/neo4j-mcp <<'COMMAND'
#!/bin/sh
exec "$(dirname "$0")/python" -m neo4j_mcp_client "$@"
COMMAND
chmod +x .venv/bin/neo4j-mcp
touch "$COMPLETE"
