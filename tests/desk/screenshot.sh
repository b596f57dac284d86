#!/bin/bash
# Takes the README's pictures: the tray, its menu and a notification of `spendbar demo`, in a
# private desktop with a dark and with a light panel, at two pixels for each one.
#
#     cargo build --release && tests/desk/screenshot.sh [PROGRAM [FOLDER]]
#
# Needs what desk.sh needs, and imagemagick, xdotool, x11-utils, jq, fonts-dejavu-core.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
root=$(dirname "$(dirname "$here")")

if [ "${1:-}" != inside ]; then
  program=$(readlink -f "${1:-$root/target/release/spendbar}")
  folder=${2:-$root/assets/screenshots}
  mkdir -p "$folder"
  DESK_SCALE=2 DESK_LIGHT='' "$here/desk.sh" "$0" inside "$program" "$folder" dark
  DESK_SCALE=2 DESK_LIGHT=1 "$here/desk.sh" "$0" inside "$program" "$folder" light
  ls -l "$folder"
  exit
fi

program=$2 folder=$3 look=$4
screen_width=2080
bus() { busctl --address="$DBUS_SESSION_BUS_ADDRESS" --json=short "$@" 2> /dev/null; }
until_true() {
  for _ in $(seq "$1"); do "${@:2}" && return 0; sleep 0.25; done
  echo "screenshot: waited in vain for: ${*:2}" >&2
  return 1
}

if [ "$look" = dark ]; then ground='gradient:#3a4a63-#1d2431'; else ground='gradient:#dfe7f2-#b9c6d8'; fi
convert -size ${screen_width}x1500 "$ground" "$DESK/ground.png"
# It paints the root window and says 1 all the same, having opened no window of its own.
display -window root "$DESK/ground.png" || true

"$program" demo > "$DESK/demo.log" 2>&1 &
demo=$!
trap 'kill $demo 2> /dev/null || true; wait $demo 2> /dev/null || true' EXIT

registered() {
  local watcher=org.kde.StatusNotifierWatcher
  bus get-property $watcher /StatusNotifierWatcher $watcher RegisteredStatusNotifierItems \
    | jq -e '.data | length > 0' > /dev/null
}
popups() {
  bus get-property org.freedesktop.Notifications /org/freedesktop/Notifications \
    org.dunstproject.cmd0 displayedLength | jq -e ".data >= $1" > /dev/null
}
broken() { # the tooltip says so
  local watcher=org.kde.StatusNotifierWatcher item
  item=$(bus get-property $watcher /StatusNotifierWatcher $watcher RegisteredStatusNotifierItems \
    | jq -r '.data[0] // empty')
  bus get-property "${item%%/*}" "/${item#*/}" org.kde.StatusNotifierItem ToolTip \
    | jq -r '.data[2:] | join(" ")' | grep -q '100 % of'
}
# The tallest window that stands at least so far from the left and is no whole screen or panel:
# a menu, or a popup on the right. Height, width, left, top.
window_from() {
  xwininfo -root -tree | grep -oE '[0-9]+x[0-9]+\+[0-9]+\+[0-9]+  \+[0-9]+\+[0-9]+' \
    | sed -E 's/^([0-9]+)x([0-9]+)\+[0-9]+\+[0-9]+  \+([0-9]+)\+([0-9]+)$/\2 \1 \3 \4/' \
    | awk -v left="$1" '$1 > 80 && $1 < 1490 && $2 > 150 && $2 < 1600 && $3 >= left' \
    | sort -rn | head -n 1
}
menu_is_open() { [ -n "$(window_from 0)" ]; }
picture() { # NAME CROP
  import -window root "$DESK/screen.png"
  convert "$DESK/screen.png" -crop "$2" +repage -strip -define png:compression-level=9 \
    "$folder/$1-$look.png"
}

until_true 120 registered
# The first alert may be of a lower threshold; the last one comes when the budget breaks.
until_true 240 broken
until_true 240 popups 1
sleep 1
picture tray 420x60+0+0
read -r height width left top < <(window_from $((screen_width - 800)))
picture notification "$((screen_width - left + 24))x$((top + height + 24))+$((left - 24))+0"

# At once, and away again: a tooltip would cover the menu.
xdotool mousemove 22 30 click 3
until_true 40 menu_is_open
xdotool mousemove $((screen_width - 400)) 900
sleep 0.5
read -r height width left top < <(window_from 0)
picture menu "$((width + left + 24))x$((height + top + 24))+0+0"
picture overview "${screen_width}x$((height + top + 24))+0+0"
xdotool key Escape
