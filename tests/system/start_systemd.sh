# The first process of a box, in fresh namespaces: becomes systemd.
set -eu
# As the boot of a machine does: systemd hands out credentials by a mount that is seen elsewhere too.
mount --make-rshared /
mount -t proc proc /proc
mount -t sysfs -o ro sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
ip link set lo up
exec env -i container=other PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
  /lib/systemd/systemd --system --show-status=0 systemd.unit=multi-user.target
