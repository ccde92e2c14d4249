#!/bin/sh
# A runtime in sh: runs attempts as processes of this machine. Needs jq and setsid.
set -eu
request=$(cat)
field() { printf '%s' "$request" | jq -r "$1"; }
dir=$(field .settings.dir)/$(field .name)

ended() { [ -e "$dir/code" ]; }

# Ended, or killed: whoever looks after it writes that down.
supervise='
  dir=$1
  trap : TERM
  # Both are known before the first word of the work is heard.
  echo $$ >"$dir/session.mine" && mv "$dir/session.mine" "$dir/session"
  # It holds the values of variables: commands are seen by everybody.
  sh -c "echo \$\$ >\"\$1/pid.new\" && mv \"\$1/pid.new\" \"\$1/pid\"
    script=\$SCRIPT; unset SCRIPT; eval \"\$script\"" \
    sh "$dir" >>"$dir/log" 2>&1 </dev/null &
  child=$!
  while :; do
    wait "$child" && code=0 || code=$?
    kill -0 "$child" 2>/dev/null || break
  done
  echo "$code" >"$dir/code.new"
  mv "$dir/code.new" "$dir/code"
'

case $1 in
start)
  # The folder is made once: whoever finds it has been started before.
  if mkdir "$dir" 2>/dev/null; then
    : >"$dir/log"
    script=$(field '([.env | to_entries[] | "export " + .key + "=" + (.value | @sh)] | join("\n"))
      + "\ncd " + (.working_dir | @sh) + "\nexec " + (.command | @sh)')
    SCRIPT=$script setsid sh -c "$supervise" sh "$dir" >/dev/null 2>&1 </dev/null &
    echo $! >"$dir/session.new" && mv "$dir/session.new" "$dir/session"
  fi
  jq -n --arg dir "$dir" '{handle: {dir: $dir}}'
  ;;
status)
  if ended; then
    jq -n --argjson code "$(cat "$dir/code")" '{state: "exited", exit_code: $code}'
  elif [ -e "$dir/session" ] && kill -0 "$(cat "$dir/session")" 2>/dev/null; then
    jq -n --arg pid "$(cat "$dir/pid" 2>/dev/null || echo '?')" '{state: "running", detail: ("process " + $pid)}'
  else
    echo '{"state": "gone"}'
  fi
  ;;
logs)
  from=$(field .from)
  size=$(wc -c <"$dir/log")
  # No more than was there when it was asked.
  tail -c "+$((from + 1))" "$dir/log" | head -c "$((size - from))" | base64 -w0 |
    jq -Rs --argjson next "$size" '{base64: ., next: $next}'
  ;;
stop)
  if [ -e "$dir/session" ] && ! ended; then
    session=$(cat "$dir/session")
    kill -TERM -- "-$session" 2>/dev/null || true
    left=$(($(field .grace_seconds) * 10))
    while [ "$left" -gt 0 ] && ! ended; do
      sleep 0.1
      left=$((left - 1))
    done
    if ! ended; then
      kill -KILL "$(cat "$dir/pid")" 2>/dev/null || true
    fi
  fi
  if [ "$(field .remove)" = true ]; then
    rm -rf "$dir"
  fi
  ;;
*)
  echo "unknown verb: $1" >&2
  exit 64
  ;;
esac
