#!/bin/busybox sh
# The ramdisk's first process: file systems, drivers for the devices that are there, an address for
# the card that booted, then our program. It decides nothing about the host; when the program ends
# for whatever reason, the machine restarts after a minute, so that no host is left waiting.

export PATH=/usr/sbin:/usr/bin
export HOME=/root LANG=C.UTF-8

mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
mount -t devtmpfs -o nosuid devtmpfs /dev
exec </dev/console >/dev/console 2>&1

. /etc/load-drivers.sh

say() { echo "farrier: $*"; }

# The value of NAME=VALUE on the kernel command line; values hold no spaces.
parameter() {
  for word in $(cat /proc/cmdline); do
    case $word in "$1="*) echo "${word#*=}"; return ;; esac
  done
}

card_with_address() {
  for card in /sys/class/net/*; do
    [ "$(cat "$card/address" 2>/dev/null)" = "$1" ] && [ -e "$card/device" ] && basename "$card" && return
  done
}

restart() {
  say "$*; restarting in 60 s"
  sleep 60
  reboot -f
}

say "loading drivers"
load_drivers
[ -d /sys/firmware/efi ] && modprobe -q efivarfs &&
  mount -t efivarfs -o nosuid,nodev,noexec efivarfs /sys/firmware/efi/efivars

ip link set lo up
mac=$(parameter farrier.mac | tr 'A-F' 'a-f')
card=
for second in $(seq 30); do
  card=$(card_with_address "$mac")
  [ -n "$card" ] && break
  sleep 1
  load_drivers
done
[ -n "$card" ] || restart "no network card has the address '$mac' that farrier.mac names"

say "asking for an address on $card ($mac)"
ip link set "$card" up
udhcpc -i "$card" -n -S -t 60 -T 1 -A 1 -s /etc/udhcpc.sh -V farrier-ramdisk -x "hostname:ramdisk" ||
  restart "no DHCP answer on $card ($mac)"

say "starting the program"
node /farrier/ramdisk.mjs
restart "the program ended with code $?"
