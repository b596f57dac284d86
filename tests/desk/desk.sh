#!/bin/bash
# Runs a command in a private, throw-away desktop and returns its status:
#
#     tests/desk/desk.sh COMMAND [ARGUMENT...]
#
# A virtual screen (Xvfb), a session bus, a StatusNotifier host (xfce4-panel with its systray), a
# notification daemon (dunst) and a Secret Service (gnome-keyring), all with a home of their own.
# Nothing of the real session is touched. The bus starts nothing by itself but the panel's own
# settings daemon: a daemon that is not here is really not here.
#
#     DESK_WITHOUT="dunst panel keyring"   leave these out
#     DESK_LIGHT=1                         light panel and popups instead of dark ones
#     DESK_SCALE=2                         draw everything with twice the pixels
set -eu

DESK=$(mktemp -d "${TMPDIR:-/tmp}/desk-XXXXXX")
export DESK
started=()
finish() {
  trap - EXIT INT TERM
  # The keyring goes to the background by itself; the bus told its process id. Everything else
  # ends with the screen and the bus.
  [ -s "$DESK/keyring.pid" ] && kill "$(cat "$DESK/keyring.pid")" 2> /dev/null || true
  [ "${#started[@]}" -gt 0 ] && kill "${started[@]}" 2> /dev/null || true
  wait 2> /dev/null || true
  rm -rf "$DESK"
}
trap finish EXIT
trap 'exit 143' INT TERM

export HOME=$DESK/home XDG_CONFIG_HOME=$DESK/config XDG_DATA_HOME=$DESK/data
export XDG_CACHE_HOME=$DESK/cache XDG_RUNTIME_DIR=$DESK/run
mkdir -p "$HOME" "$XDG_CONFIG_HOME" "$XDG_DATA_HOME" "$XDG_CACHE_HOME"
mkdir -m 700 "$XDG_RUNTIME_DIR"
export XDG_CURRENT_DESKTOP=XFCE NO_AT_BRIDGE=1 GDK_BACKEND=x11 LANG=C.UTF-8
if [ -n "${DESK_SCALE:-}" ]; then export GDK_SCALE=$DESK_SCALE; fi
unset WAYLAND_DISPLAY

# Waits until a file has something in it.
await_file() {
  for _ in $(seq 150); do [ -s "$1" ] && return 0; sleep 0.1; done
  echo "desk: $2 did not start" >&2
  exit 1
}

Xvfb -displayfd 7 -screen 0 2080x1500x24 -nolisten tcp 7> "$DESK/display" > /dev/null 2>&1 &
started+=($!)
mkdir "$DESK/services"
cp /usr/share/dbus-1/services/org.xfce.Xfconf.service "$DESK/services/"
cat > "$DESK/bus.conf" <<XML
<busconfig><type>session</type><listen>unix:path=$DESK/bus</listen>
<servicedir>$DESK/services</servicedir>
<policy context="default"><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
XML
await_file "$DESK/display" Xvfb
DISPLAY=:$(cat "$DESK/display")
export DISPLAY
# The bus hands its environment on to the daemons it starts, so it comes after the screen.
dbus-daemon --config-file="$DESK/bus.conf" --nofork --print-address=7 7> "$DESK/address" \
  > /dev/null 2>&1 &
started+=($!)
await_file "$DESK/address" dbus-daemon
DBUS_SESSION_BUS_ADDRESS=$(head -n 1 "$DESK/address")
export DBUS_SESSION_BUS_ADDRESS

left_out() { case " ${DESK_WITHOUT:-} " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

await_name() {
  for _ in $(seq 150); do
    busctl --address="$DBUS_SESSION_BUS_ADDRESS" status "$1" > /dev/null 2>&1 && return 0
    sleep 0.1
  done
  echo "desk: $1 did not come up" >&2
  return 1
}

# The keyring is on the bus before its keys are unlocked.
await_unlocked() {
  for _ in $(seq 150); do
    busctl --address="$DBUS_SESSION_BUS_ADDRESS" get-property org.freedesktop.secrets \
      /org/freedesktop/secrets/aliases/default org.freedesktop.Secret.Collection Locked 2> /dev/null \
      | grep -qx 'b false' && return 0
    sleep 0.1
  done
  echo 'desk: the keyring was not unlocked' >&2
  return 1
}

settings=$XDG_CONFIG_HOME/xfce4/xfconf/xfce-perchannel-xml
mkdir -p "$settings" "$XDG_CONFIG_HOME/dunst" "$XDG_CONFIG_HOME/gtk-3.0"
if [ -n "${DESK_LIGHT:-}" ]; then
  ground='"#f4f4f6"' ink='"#1c1c20"' frame='"#c8c8d0"' dark_mode=false
else
  ground='"#26262c"' ink='"#f2f2f5"' frame='"#44444e"' dark_mode=true
fi
cat > "$settings/xfce4-panel.xml" <<XML
<channel name="xfce4-panel" version="1.0"><property name="configver" type="int" value="2"/>
<property name="panels" type="array"><value type="int" value="1"/>
 <property name="dark-mode" type="bool" value="$dark_mode"/>
 <property name="panel-1" type="empty">
  <property name="position" type="string" value="p=6;x=0;y=0"/>
  <property name="length" type="uint" value="100"/>
  <property name="position-locked" type="bool" value="true"/>
  <property name="size" type="uint" value="30"/>
  <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
 </property></property>
<property name="plugins" type="empty">
 <property name="plugin-1" type="string" value="systray">
  <property name="icon-size" type="int" value="22"/>
 </property></property></channel>
XML
printf '[Settings]\ngtk-application-prefer-dark-theme=%s\ngtk-font-name=Sans 10\n' "$dark_mode" \
  > "$XDG_CONFIG_HOME/gtk-3.0/settings.ini"
# dunst asks a menu program which button is meant; this one takes the line with the text of a file.
cat > "$DESK/choose" <<CHOOSE
#!/bin/sh
exec grep -m 1 -F -e "\$(cat "$DESK/choice")"
CHOOSE
chmod +x "$DESK/choose"
cat > "$XDG_CONFIG_HOME/dunst/dunstrc" <<CONF
[global]
dmenu=$DESK/choose
history_length=100
idle_threshold=0
origin=top-right
offset=12x42
width=360
padding=14
horizontal_padding=16
corner_radius=0
frame_width=1
frame_color=$frame
font=Sans $((10 * ${DESK_SCALE:-1}))
format="<b>%s</b>\n%b"
scale=${DESK_SCALE:-1}
[urgency_low]
timeout=0
background=$ground
foreground=$ink
frame_color=$frame
[urgency_normal]
timeout=0
background=$ground
foreground=$ink
frame_color=$frame
[urgency_critical]
timeout=0
background=$ground
foreground=$ink
frame_color="#d9483b"
CONF

if ! left_out dunst; then dunst > /dev/null 2>&1 & started+=($!); fi
if ! left_out keyring; then
  # It goes to the background by itself once it is unlocked. Its lines tell nothing needed here.
  printf 'test\n' | gnome-keyring-daemon --unlock --components=secrets > /dev/null 2>&1
fi
if ! left_out panel; then xfce4-panel --disable-wm-check > /dev/null 2>&1 & started+=($!); fi
if ! left_out dunst; then await_name org.freedesktop.Notifications; fi
if ! left_out keyring; then
  await_name org.freedesktop.secrets
  await_unlocked
  busctl --address="$DBUS_SESSION_BUS_ADDRESS" --json=short call org.freedesktop.DBus / \
    org.freedesktop.DBus GetConnectionUnixProcessID s org.freedesktop.secrets \
    | tr -dc '0-9' > "$DESK/keyring.pid"
fi
if ! left_out panel; then await_name org.kde.StatusNotifierWatcher; fi

# In the background and waited for, so that a signal to this script ends it at once. Standard
# input is passed on by number: the shell gives background commands an empty one.
exec 8<&0
"$@" <&8 8<&- &
command=$!
started+=("$command")
status=0
wait "$command" || status=$?
exit "$status"
