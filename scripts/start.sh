#!/usr/bin/env bash
# npm start: sets up what is missing, then serves. The flags behind `--` are those of `atoll serve`.
set -euo pipefail
. "$(dirname "$0")/setup.sh"

setup
# exec: signals must reach the server itself.
exec node packages/cli/src/main.ts serve "$@"
