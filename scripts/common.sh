# What several scripts need; they source it.
# shellcheck shell=bash

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# The folder that cargo builds into.
cargo_target() {
  cargo metadata --no-deps --format-version 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])'
}

# This machine's, as template.yaml's parameter Architecture names it.
architecture() {
  case $(uname -m) in
    x86_64) echo x86_64 ;;
    aarch64 | arm64) echo arm64 ;;
    *) echo "Lambda has no architecture $(uname -m), which is this machine's" >&2 && return 1 ;;
  esac
}

# until_true PROCESS COMMAND...: waits until the command succeeds, two minutes at most, and while the process lives.
until_true() {
  local process=$1 deadline=$((SECONDS + 120))
  shift
  until "$@"; do
    kill -0 "$process" 2>/dev/null && [ $SECONDS -lt $deadline ] || return 1
    sleep 0.1
  done
}

# place_order URL TOKEN: orders a mug that is to be paid with the token, and prints the order's id. Asks again, under the same
# key, while the shop is unavailable.
place_order() {
  curl --silent --show-error --fail --max-time 30 --retry 5 "$1/orders" -H 'content-type: application/json' \
    -H "idempotency-key: $(python3 -c 'import uuid; print(uuid.uuid4())')" \
    -d "{\"items\":[{\"product_id\":\"stoneware-mug\",\"quantity\":1}],\"payment_method\":\"$2\",\"customer\":{\"email\":\"ada@example.com\"}}" |
    sed -n 's/.*"order_id":"\([^"]*\)".*/\1/p'
}

# order_ends URL ID STATUS SECONDS: waits so long at most until the order is not PENDING any more; then it must have that
# status.
order_ends() {
  local status=PENDING deadline=$((SECONDS + $4))
  while [ "$status" = PENDING ] && [ $SECONDS -lt $deadline ]; do
    status=$(curl --silent --show-error --fail --max-time 30 --retry 5 "$1/orders/$2" | sed -n 's/.*"status":"\([A-Z_]*\)","items".*/\1/p')
    sleep 0.1
  done
  [ "$status" = "$3" ] || { echo "the order $2 is ${status:-gone}, not $3" >&2 && return 1; }
}

# json_value FILE KEY
json_value() {
  python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"
}

# The local stack where no port is taken: flags of farthing.
# shellcheck disable=SC2034 # for those who source this
on_free_ports=(--port 0 --invoke-port 0 --control-port 0 --dynamodb-port 0 --sqs-port 0 --payment-port 0)

# ministack PROGRAM PORT FOLDER: becomes the emulator, whose files are in FOLDER. It gets a clean environment, because it
# hands its own to the functions, and no Docker, because it would remove containers that it takes for leftovers of its own.
ministack() {
  exec env -i PATH="$PATH" HOME="$3" TMPDIR="$3" BIND_HOST=127.0.0.1 GATEWAY_PORT="$2" S3_DATA_DIR="$3/s3" \
    STATE_DIR="$3/state" MINISTACK_REGION=us-east-1 DOCKER_HOST=unix://"$3/no-docker" PYTHONDONTWRITEBYTECODE=1 \
    "$1" </dev/null
}
