#!/bin/sh
# Called by mmdebstrap with the new root when all packages are installed: makes Debian boot fast in
# emulation and take everything it is told from the config drive.
set -eu
root=$1

cat >"$root/etc/fstab" <<END
UUID=$ROOT_UUID / ext4 errors=remount-ro 0 1
END
: >"$root/etc/machine-id"
# That of the machine which builds this: a kubelet would wait for its answers for half a minute.
: >"$root/etc/resolv.conf"
rm -f "$root/etc/hostname"

# The config drive is the only source; and what needs minutes or other hosts is left out.
cat >"$root/etc/cloud/cloud.cfg" <<END
datasource_list: [ConfigDrive, None]
disable_root: true
preserve_hostname: false
users: []
cloud_init_modules: [bootcmd, write-files, set_hostname, update_hostname, users-groups, runcmd]
cloud_config_modules: []
cloud_final_modules: [scripts-per-once, scripts-per-instance, scripts-user, phone-home, final-message]
system_info:
  distro: debian
  network: {renderers: [networkd]}
  paths: {cloud_dir: /var/lib/cloud/, templates_dir: /etc/cloud/templates/}
END
find "$root/etc/cloud/cloud.cfg.d" -name "*.cfg" ! -name 05_logging.cfg -delete
# Without this the generator looks for data sources of clouds at each boot.
echo "policy: enabled" >"$root/etc/cloud/ds-identify.cfg"

# Drivers of emulated parts that nobody asks for.
cat >"$root/etc/modprobe.d/lab.conf" <<END
blacklist iTCO_wdt
blacklist i2c_i801
blacklist aesni_intel
blacklist ghash_clmulni_intel
blacklist sha512_ssse3
blacklist sha256_ssse3
blacklist crc32_pclmul
blacklist pcspkr
blacklist intel_rapl_msr
END

# With a fixed date Python hashes each source file before it trusts what it compiled from it.
chroot "$root" python3 -m compileall -q -f --invalidation-mode unchecked-hash \
  /usr/lib/python3 /usr/lib/python3.11 >/dev/null

# The first card is up when it has its address: there is no router whose advertisement is worth 12 s.
mkdir "$root/etc/systemd/network/10-cloud-init-eth0.network.d"
cat >"$root/etc/systemd/network/10-cloud-init-eth0.network.d/lab.conf" <<END
[Network]
IPv6AcceptRA=no
LinkLocalAddressing=no
END

chroot "$root" passwd --lock root >/dev/null
chroot "$root" systemctl enable systemd-networkd systemd-networkd-wait-online >/dev/null 2>&1
# cloud-config has nothing to do above, and each start of Python takes seconds.
chroot "$root" systemctl mask cloud-config.service cloud-init-hotplugd.socket \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
  e2scrub_reap.service fstrim.timer getty@tty1.service serial-getty@ttyS0.service \
  systemd-update-utmp.service systemd-pstore.service systemd-hwdb-update.service \
  systemd-journal-flush.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount \
  dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
  sys-kernel-config.mount sys-fs-fuse-connections.mount modprobe@configfs.service \
  modprobe@dm_mod.service modprobe@drm.service modprobe@fuse.service modprobe@loop.service \
  >/dev/null 2>&1

# What only installing needed: perl-base stays.
rm -rf "$root"/usr/share/perl "$root"/usr/lib/x86_64-linux-gnu/perl "$root"/usr/lib/udev/hwdb.bin
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*.log \
  "$root"/var/log/apt "$root"/usr/share/doc "$root"/usr/share/man "$root"/usr/share/locale
