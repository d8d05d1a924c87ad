#!/usr/bin/env bash
# npm run bench: sets up what is missing, then measures. Prints one table, writes JSON beside it.
set -euo pipefail
. "$(dirname "$0")/setup.sh"

setup
exec node bench/main.ts "$@"
