# What .ci/run and .ci/nightly share: steps with a log each, a table of them, and the list of what runs every night. Sourced
# in the repository's folder.
# shellcheck shell=bash

cache=${FARTHING_CI_CACHE:-$HOME/.cache/farthing-ci}
export FARTHING_CI_CACHE=$cache CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
export CARGO_TERM_COLOR=never SAM_CLI_TELEMETRY=0 INSTA_UPDATE=no
mkdir -p "$cache"
# The logs of the last run stay here.
logs=$cache/logs/$(basename "$0")

# What takes too long for every change: name | what it checks | command.
nightly_steps() {
  cat <<'STEPS'
advisories|dependencies against the database of advisories (needs github.com)|.ci/steps/deny advisories
release|the functions in the profile that is deployed: build, glibc, size; deploy onto the emulator, and the suite there|.ci/steps/build release && .ci/steps/emulator
openapi|schemathesis with more requests|.ci/steps/openapi
backends|the suite on DynamoDB Local, sam local and by URL alone; where the backends differ|.ci/steps/backends
histories|a thousand histories of orders, and four thousand that are new every day|.ci/steps/histories && FARTHING_SEED=$(date -u +%Y%m%d)0000 FARTHING_HISTORIES=4000 .ci/steps/histories
fuzz|every parser fuzzed for a minute|.ci/steps/fuzz
mutants|deliberate bugs, each of which the suite must see|.ci/steps/mutants
arm64|the functions for arm64, and orders on them under qemu|scripts/run-arm64
functions|size and init of each function|scripts/measure-functions
stack|start and latency of the local stack, orders a second|scripts/measure-stack
contention|orders that compete for the same products|scripts/measure-contention
STEPS
}

started=$SECONDS
gives_way=()
keeps_going=
child=

fresh_logs() {
  rm -rf "$logs"
  mkdir -p "$logs"
  touch "$logs/table"
}

# step NAME COMMAND...: runs a command of bash in a process group of its own. Its output goes to a log, which is printed when
# the step ends. After a failure no step begins, unless keeps_going is set.
step() {
  local name=$1 log="$logs/$1.log" began=$SECONDS code=0 took
  shift
  if [ -z "$keeps_going" ] && [ -e "$logs/failed" ]; then
    printf '%s\t-\tnot run\t%s\n' "$name" "$*" >>"$logs/table"
    return 0
  fi
  printf '=== %s: begins after %s s\n' "$name" "$((SECONDS - started))"
  "${gives_way[@]}" setsid bash -c "set -euo pipefail; $*" >"$log" 2>&1 </dev/null &
  child=$!
  wait "$child" || code=$?
  child=
  took=$((SECONDS - began))
  {
    flock 9
    if [ $code -eq 0 ]; then
      printf '%s\t%s\tok\t%s\n' "$name" "$took" "$*" >>"$logs/table"
      printf '\n=== %s: ok, %s s\n' "$name" "$took"
      cat "$log"
    else
      printf '%s\t%s\tFAILED\t%s\n' "$name" "$took" "$*" >>"$logs/table"
      echo "$name" >>"$logs/failed"
      printf '\n=== %s: FAILED with %s, %s s. Its first errors:\n' "$name" "$code" "$took"
      grep --max-count=20 -nE '^(error|E[0-9]{4}|Error)|[Ee]rror:|panicked at|FAILED|test result: ' "$log" || true
      printf -- '--- the end of %s:\n' "$log"
      tail -n 100 "$log"
    fi
    echo
  } 9>"$logs/lock"
}

# Ends the step that runs, with all that it has started.
end_step() {
  [ -z "$child" ] || { kill -TERM -- "-$child" 2>/dev/null || true; wait "$child" 2>/dev/null || true; }
}
trap 'end_step; exit 143' INT TERM

# side_by_side LANE LANE: runs two functions, each of which runs steps. The second has what the first leaves of the processor.
side_by_side() {
  local lanes=() lane
  (trap 'end_step; exit 143' TERM && "$1") &
  lanes+=($!)
  (trap 'end_step; exit 143' TERM && gives_way=(nice -n 19) && "$2") &
  lanes+=($!)
  trap 'kill -TERM "${lanes[@]}" 2>/dev/null; wait; exit 143' INT TERM
  for lane in "${lanes[@]}"; do
    wait "$lane" || echo "a lane ended early" >>"$logs/failed"
  done
  trap 'end_step; exit 143' INT TERM
}

# Fails when the checks have left a process or changed a file.
nothing_is_left() {
  local left
  if left=$(pgrep -f "^$CARGO_TARGET_DIR/"); then
    echo "processes are left: $left" >&2
    return 1
  fi
  if [ -n "$(git status --porcelain)" ]; then
    git status --short >&2
    echo "the checks changed files" >&2
    return 1
  fi
  echo "nothing is left behind"
}
export -f nothing_is_left

# Prints the table of all steps, and exits: with 1 when one failed.
finish() {
  printf '\n%-12s %7s  %-8s %s\n' step seconds result command
  while IFS=$'\t' read -r name took result command; do
    printf '%-12s %7s  %-8s %s\n' "$name" "$took" "$result" "$command"
  done <"$logs/table"
  if [ -e "$logs/failed" ]; then
    printf '\nFAILED after %s s: %s\n' "$((SECONDS - started))" "$(paste -sd ' ' "$logs/failed")"
    exit 1
  fi
  printf '\nall is well after %s s\n' "$((SECONDS - started))"
}
