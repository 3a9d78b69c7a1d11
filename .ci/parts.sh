# What .ci/run and .ci/long share: they source this file. Each part is counted and timed; `finish` prints both, and last the
# line `N passed, N failed` (`, N skipped` may follow), the sums over all parts. Any failure exits with 1.
set -uo pipefail
exec </dev/null

passed=0 failed=0 skipped=0
reports="$(mktemp -d)"
trap 'rm -rf "$reports"' EXIT
export CI=true NO_COLOR=1

count() { passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3)); }
# title NAME: begins a part, and with it the clock of the one before ends.
parts=()
title() {
  parts+=("$SECONDS $*")
  printf '\n== %s\n' "$*"
}

# minutes: how long each part took, in the order of the run.
minutes() {
  local i start next
  printf '\n== minutes of each part\n'
  for i in "${!parts[@]}"; do
    start=${parts[i]%% *} next=${parts[i + 1]:-$SECONDS}
    awk -v seconds=$((${next%% *} - start)) -v name="${parts[i]#* }" 'BEGIN { printf "%6.1f  %s\n", seconds / 60, name }'
  done
}

# check NAME COMMAND …: one check, passed or failed.
check() {
  local name=$1
  shift
  title "$name"
  if "$@"; then count 1 0 0; else echo "FAILED: $name" && count 0 1 0; fi
}

# tests NAME REPORT COMMAND …: vitest, whose JSON report tells the counts; nothing may be skipped.
tests() {
  local name=$1 report=$2 rc=0 counts
  shift 2
  title "$name"
  "$@" --reporter=default --reporter=json --outputFile="$report" || rc=$?
  counts=$(node -e '
    const { numPassedTests: p, numFailedTests: f, numTotalTests: t } = JSON.parse(require("fs").readFileSync(process.argv[1]));
    console.log(p, f, t - p - f);
  ' "$report") || counts="0 1 0"
  # shellcheck disable=SC2086
  settle "$name" "$rc" $counts
}

# runner NAME COMMAND …: a runner of test/e2e, whose last line tells the counts.
runner() {
  local name=$1 rc=0 counts
  shift
  title "$name"
  "$@" | tee "$reports/runner" || rc=$?
  counts=$(sed -nE '$s/^[a-z]+: ([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?$/\1 \2 \4/p' "$reports/runner")
  # shellcheck disable=SC2086
  settle "$name" "$rc" ${counts:-0 1}
}

# settle NAME EXIT_CODE PASSED FAILED [SKIPPED]: an exit code that no count explains is one more failure, and so is a
# run of no test at all. What is skipped has failed, except for as many as `may_skip` allows.
settle() {
  local name=$1 rc=$2 p=$3 f=$4 s=${5:-0} allowed=${may_skip:-0}
  if ((s > allowed)); then
    echo "SKIPPED in $name: $s, of which $allowed may be; the rest counts as failed"
    f=$((f + s - allowed)) s=$allowed
  fi
  if ((f == 0 && (rc != 0 || p == 0))); then f=1; fi
  ((f > 0)) && echo "FAILED: $name (exit code $rc)"
  ((s > 0)) && echo "SKIPPED in $name: $s"
  count "$p" "$f" "$s"
}

finish() {
  minutes
  printf '\n== done in %d s\n' "$SECONDS"
  if ((skipped > 0)); then
    echo "$passed passed, $failed failed, $skipped skipped"
  else
    echo "$passed passed, $failed failed"
  fi
  ((failed == 0)) || exit 1
  exit 0
}
