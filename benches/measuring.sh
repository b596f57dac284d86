# What benches/compare and .ci/measure share: times, and one table. To be sourced.

failed=0

give_up() { echo "${0##*/}: $*" >&2; exit 1; }
now_us() { echo "${EPOCHREALTIME/[.,]/}"; }

# All of these read a number a line.
best() { sort -n | awk 'NR == 1'; }
median() { sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }

ratio() { LC_ALL=C awk "BEGIN { printf \"%.2f\", $1 / $2 }"; }
to_ms() { LC_ALL=C awk "BEGIN { us = $1; printf us < 100000 ? \"%.1f\" : \"%.0f\", us / 1000 }"; }

# WHAT FIGURE [RATIO [LIMIT [VERDICT]]]
row() { printf '%-44s %24s %8s %11s  %s\n' "$1" "$2" "${3:-}" "${4:-}" "${5:-}"; }

# A limit is `<=` or `>=` and a number. Sets `verdict`, and `failed` where it does not hold.
judge() { # VALUE LIMIT
  if awk "BEGIN { exit !($1 $2) }"; then verdict=ok; else verdict=FAILED failed=1; fi
}

machine() {
  local processor memory load
  processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
  memory=$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)
  read -r load _ < /proc/loadavg
  echo "machine: $(nproc) cores${processor:+ ($processor)}, $memory of memory, load $load"
  if awk "BEGIN { exit !($load > 0.5) }"; then
    echo 'something else is running: what uses all cores looks slower than it is'
  fi
}

# Writes logs (benches/corpus) below FOLDER/home, and what is in them to FOLDER/truth.json.
write_corpus() { # FOLDER MB|FILES NUMBER
  rm -rf "$1"
  mkdir -p "$1"
  env "SPENDBAR_CORPUS=$1" "SPENDBAR_CORPUS_$2=$3" cargo test --quiet --locked --test it -- \
    --ignored --exact corpus::write_corpus > "$1/log" 2>&1 || { cat "$1/log" >&2; exit 1; }
  # Into the page cache.
  find "$1/home" -name '*.jsonl' -exec cat {} + > /dev/null
}
