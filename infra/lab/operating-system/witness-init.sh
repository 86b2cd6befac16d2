#!/bin/busybox sh
# An operating system that lives in RAM and writes to no disk: what it proves is that the image on
# the disk booted and that the config drive is right. It takes its address from the config drive,
# runs the user data if that is a script, and then waits for the power button.

export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
exec </dev/console >/dev/console 2>&1
. /etc/load-drivers.sh

say() { echo "witness: $*"; }

# The first value of a field of a JSON file, whatever object it is in: enough for one network.
field() { tr ',{}[]' '\n' <"$1" | sed -n "s/^ *\"$2\" *: *\"\(.*\)\" *\$/\1/p" | head -n 1; }

find_config_drive() {
  for try in $(seq 50); do
    device=$(findfs LABEL=config-2 2>/dev/null || findfs LABEL=CONFIG-2 2>/dev/null)
    for type in iso9660 vfat; do
      [ -n "$device" ] && mount -t $type -o ro "$device" /config 2>/dev/null && return
    done
    sleep 0.2
  done
  say "no config drive"
  return 1
}

set_address() {
  network=/config/openstack/latest/network_data.json
  mac=$(field $network ethernet_mac_address | tr 'A-F' 'a-f')
  for card in /sys/class/net/*; do
    [ "$(cat "$card/address")" = "$mac" ] && break
  done
  card=$(basename "$card")
  ip link set "$card" up
  if grep -q '"ipv4_dhcp"' $network; then
    udhcpc -i "$card" -n -q -s /etc/udhcpc.sh
    return
  fi
  ip addr add "$(field $network ip_address)/$(field $network netmask)" dev "$card"
  gateway=$(field $network gateway)
  [ -n "$gateway" ] && ip route add default via "$gateway"
  say "$card ($mac) has $(field $network ip_address)"
}

run_user_data() {
  data=/config/openstack/latest/user_data
  [ "$(head -c 2 $data 2>/dev/null)" = "#!" ] || { say "the user data is no script"; return; }
  cp $data /run/user_data
  until UUID=$uuid sh /run/user_data; do
    say "the user data ended with code $?; running it again"
    sleep 1
  done
  say "user data has run"
}

ip link set lo up
load_drivers
say "booted"
acpid -c /etc/acpi -d >/dev/null 2>&1 &
if find_config_drive; then
  uuid=$(field /config/openstack/latest/meta_data.json uuid)
  say "config drive of $uuid"
  set_address
  run_user_data
fi
say "waiting for the power button"
while :; do sleep 1000; done
