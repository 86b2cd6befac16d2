# For init scripts to read in: loads the drivers of the devices that are there.

# A driver brings new devices (bus, then disk), so ask until nothing new shows up.
load_drivers() {
  known=
  for round in 1 2 3 4 5; do
    aliases=$(find /sys/devices -name modalias -exec cat {} + 2>/dev/null | sort -u)
    [ "$aliases" = "$known" ] && break
    known=$aliases
    echo "$aliases" | tr '\n' '\0' | xargs -0 modprobe -qa 2>/dev/null
    sleep 0.2
  done
  modprobe -qa sd_mod sr_mod sg
}
