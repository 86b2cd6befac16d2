#!/bin/busybox sh
# What busybox udhcpc calls on each turn of a lease. A lost lease keeps its address: an agent that
# is away for a while must not cost a half-written disk its connection.

export PATH=/usr/sbin:/usr/bin
case $1 in
  deconfig) ip link set "$interface" up ;;
  bound | renew)
    have=$(ip -4 -o addr show dev "$interface" | awk '{print $4}')
    if [ "$have" != "$ip/$mask" ]; then
      ip -4 addr flush dev "$interface"
      ip addr add "$ip/$mask" dev "$interface"
    fi
    for gateway in $router; do
      ip route replace default via "$gateway" dev "$interface"
      break
    done
    for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf
    echo "farrier: $interface has $ip/$mask"
    ;;
esac
