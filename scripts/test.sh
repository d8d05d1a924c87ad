#!/usr/bin/env bash
# npm test: every check of this repository. All of them run, whatever fails before; the last line counts.
set -uo pipefail
. "$(dirname "$0")/setup.sh"

setup
setup_tools
passed=0 failed=0 skipped=0
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT

count() {
  passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# A check that has no tests of its own counts where it fails.
check() {
  say "$*"
  "$@" || {
    say "failed: $*"
    count 0 1 0
  }
}

in_native() { (cd native && "$@"); }

vitest_tests() {
  local report=$reports/vitest.json counts status
  vitest run --reporter=default --reporter=json --outputFile.json="$report"
  status=$?
  read -ra counts < <(node -p "
    const report = JSON.parse(fs.readFileSync('$report', 'utf8'));
    [report.numPassedTests, report.numFailedTests, report.numPendingTests + report.numTodoTests].join(' ')") ||
    counts=(0 1 0)
  count "${counts[@]}"
  # A suite that does not load, or an error outside of any test, fails no test.
  ((status == 0 || counts[1] > 0)) || count 0 1 0
}

cargo_tests() {
  local log=$reports/cargo.log counts status
  in_native cargo test --locked 2>&1 | tee "$log"
  status=$?
  read -ra counts < <(awk '/^test result:/ { passed += $4; failed += $6; ignored += $8 } END { print passed + 0, failed + 0, ignored + 0 }' "$log")
  count "${counts[@]}"
  ((status == 0 || counts[1] > 0)) || count 0 1 0
}

check prettier --check --log-level warn .
check eslint --max-warnings 0 .
check tsc
vitest_tests
check in_native cargo fmt --check
check in_native cargo clippy --locked --quiet --all-targets -- -D warnings
cargo_tests

if ((skipped > 0)); then
  echo "$passed passed, $failed failed, $skipped skipped"
else
  echo "$passed passed, $failed failed"
fi
((failed == 0 && passed > 0))
