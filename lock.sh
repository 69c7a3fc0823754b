#!/bin/sh
# Pins and hashes every requirement file, for every platform and Python from 3.11 on.
set -eu
cd "$(dirname "$0")"
for requirements in requirements.in requirements-bootstrap.in \
    requirements-operate.in requirements-dev.in \
    localcloud/src/localcloud/toolchains/go.in localcloud/src/localcloud/toolchains/java.in \
    localcloud/src/localcloud/toolchains/node.in \
    automation/conformance/node.in automation/go_toolchain/go.in \
    automation/load/peer_server/requirements.in; do
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --custom-compile-command "make lock" \
        "$requirements" --output-file "${requirements%.in}.txt"
done
