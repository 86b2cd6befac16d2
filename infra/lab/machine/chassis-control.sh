#!/bin/sh
# What ipmi_sim calls: chassis-control.sh SOCKET WORDS… Asks the machine (the words are in
# chassis-server.ts) and prints its answer in ipmi_sim's spelling. ipmi_sim stands still meanwhile.
set -eu
socket=$1
shift
answer=$(echo "$*" | nc -N -U "$socket")
case $answer in
  *error:*) echo "$answer" >&2; exit 1 ;;
esac
echo "$answer" | sed -n -e 's/^boot:disk$/boot:default/' -e '/^power:/p' -e '/^boot:/p'
