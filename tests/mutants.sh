#!/usr/bin/env bash
# Deliberate bugs (mutants), and the tests that detect them. Each patch of tests/mutants breaks one thing in a copy of this
# tree; the tests that it names must pass without it and fail with it, for the reason it names.
#
#     tests/mutants.sh                      # all
#     tests/mutants.sh stock-condition ...  # some
#
# A patch begins with lines "breaks: WHAT", "red: TARGET TEST" (one or more; TARGET is what cargo calls it: shop, or lib
# for unit tests) and "says: TEXT" (what the failing test's output must hold).
#
# The copy is a git worktree of HEAD and what is changed in tracked files, with a target folder of its own that begins as
# a copy of the compiled dependencies. Both are in the target folder, and are removed at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
mkdir -p "$target"
work=$(mktemp -d "$target/mutants.XXXXXX")
tree=$work/tree
export CARGO_TARGET_DIR=$work/target CARGO_TERM_COLOR=never INSTA_UPDATE=no
# No test waits longer than this for anything.
export FARTHING_WAIT_AT_MOST=${FARTHING_WAIT_AT_MOST:-20}
# One run of a mutant's tests, in seconds.
longest=180
started=$SECONDS

finish() {
  git worktree remove --force "$tree" 2>/dev/null || true
  rm -rf "$work"
  git worktree prune
}
trap finish EXIT
trap '[ -z "$child" ] || kill -- "-$child" 2>/dev/null; exit 130' INT TERM

# Runs a command in FOLDER, in a process group of its own, so that a signal ends all of it at once.
child=
within() { # FOLDER COMMAND...
  setsid env -C "$@" &
  child=$!
  local code=0
  wait "$child" || code=$?
  child=
  return $code
}

header() { # PATCH NAME: the values of a header line
  sed -n "/^diff /q; s/^$2: //p" "$1"
}

# Builds what the stack would build itself, so that a patch that does not compile is not counted as a failing test; and
# the unit tests, if a patch names one. The suite is built once, without any mutant.
build() { # LOG, "lib" or nothing
  within "$tree" cargo build --bins >"$1" 2>&1 || return 1
  [ -z "$2" ] || within "$tree" cargo test --no-run --lib >>"$1" 2>&1
}

# Runs tests; their output goes to LOG, apart from what cargo says meanwhile. Fails when one does.
run() { # LOG, then "TARGET TEST" each
  local log=$1 test lib=() shop=() code=0
  shift
  for test in "$@"; do
    case $test in
      "lib "*) lib+=("${test#* }") ;;
      "shop "*) shop+=("${test#* }") ;;
      *) echo "mutants: $test: the target is lib or shop" >&2; exit 2 ;;
    esac
  done
  if [ ${#lib[@]} -gt 0 ]; then
    within "$tree" timeout $longest cargo test --no-fail-fast --lib -- --exact "${lib[@]}" >>"$log" 2>>"$log.stderr" || code=1
  fi
  if [ ${#shop[@]} -gt 0 ]; then
    within "$tree/tests" timeout $longest "$work/shop" --exact "${shop[@]}" >>"$log" 2>>"$log.stderr" || code=1
  fi
  return $code
}

outcome() { # LOG TEST: ok, FAILED or nothing
  sed -n "s/^test $2 \.\.\. \(ok\|FAILED\)$/\1/p" "$1" | sort -u
}

patches=()
if [ $# -eq 0 ]; then
  patches=(tests/mutants/*.patch)
else
  for name in "$@"; do patches+=("tests/mutants/$name.patch"); done
fi
all=()
for patch in "${patches[@]}"; do
  [ -f "$patch" ] || { echo "mutants: there is no $patch" >&2; exit 2; }
  mapfile -t reds < <(header "$patch" red)
  if [ ${#reds[@]} -eq 0 ] || [ -z "$(header "$patch" breaks)" ] || [ -z "$(header "$patch" says)" ]; then
    echo "mutants: $patch lacks breaks, red or says" >&2
    exit 2
  fi
  all+=("${reds[@]}")
done
mapfile -t all < <(printf '%s\n' "${all[@]}" | sort -u)

changed=$(git stash create)
git worktree add --quiet --detach "$tree" "${changed:-HEAD}"
mkdir -p "$CARGO_TARGET_DIR/debug"
for part in deps build .fingerprint; do
  if [ -d "$target/debug/$part" ]; then cp -a --reflink=auto "$target/debug/$part" "$CARGO_TARGET_DIR/debug/"; fi
done

echo "without a mutant: ${#all[@]} tests must pass"
if ! build "$work/log" lib || ! within "$tree" cargo test --no-run --test shop >"$work/log" 2>&1; then
  cat "$work/log" >&2
  exit 1
fi
cp "$(sed -n 's/^ *Executable .* (\(.*\))$/\1/p' "$work/log")" "$work/shop"
echo "  built after $((SECONDS - started)) s"
: >"$work/log"
run "$work/log" "${all[@]}" || { cat "$work/log" >&2; exit 1; }
for test in "${all[@]}"; do
  if [ "$(outcome "$work/log" "${test#* }")" != ok ]; then
    echo "mutants: there is no test $test" >&2
    exit 1
  fi
done
echo "  passed after $((SECONDS - started)) s"

survivors=0
verdict() { # MUTANT VERDICT SECONDS DETAIL
  printf '%-24s %-9s %4s s  %s\n' "$1" "$2" "$3" "$4"
}
for patch in "${patches[@]}"; do
  name=$(basename "$patch" .patch) began=$SECONDS log=$work/log detail="" result=red
  : >"$log.build"
  mapfile -t reds < <(header "$patch" red)
  says=$(header "$patch" says)
  : >"$log"
  if ! git -C "$tree" apply "$repository/$patch" 2>"$log"; then
    result=stale detail="the patch does not apply"
  else
    if ! build "$log.build" "$(header "$patch" red | sed -n 's/^\(lib\) .*/\1/p')"; then
      result=broken detail="it does not compile"
      cp "$log.build" "$log"
    else
      : >"$log"
      run "$log" "${reds[@]}" || true
      for test in "${reds[@]}"; do
        detail="${detail:+$detail, }${test#* }"
        if [ "$(outcome "$log" "${test#* }")" != FAILED ]; then result=survived; fi
      done
      if [ $result = red ] && ! grep -qF -- "$says" "$log"; then
        result=unclear detail="$detail failed without saying: $says"
      fi
    fi
    git -C "$tree" apply --reverse "$repository/$patch"
  fi
  verdict "$name" "$result" "$((SECONDS - began))" "$detail"
  if [ $result != red ]; then
    survivors=$((survivors + 1))
    tail -20 "$log.build" | sed 's/^/    | /' >&2
    tail -60 "$log" | sed 's/^/    | /' >&2
  fi
done

echo "mutants: ${#patches[@]}, not detected: $survivors, $((SECONDS - started)) s"
[ $survivors -eq 0 ]
