# Holds a root folder in a mount namespace of its own, until standard input ends.
#   unshare --mount --uts sh hold_root.sh MERGED OVERLAY_OPTIONS [FROM TO]...
# Each FROM, a folder or file of this machine, is seen as TO inside.
set -eu
merged=$1 options=$2
shift 2
mount --make-rprivate /
mount -t overlay overlay -o "$options" "$merged"
while [ $# -gt 0 ]; do
  if [ -d "$1" ]; then mkdir -p "$merged$2"; else mkdir -p "$(dirname "$merged$2")"; touch "$merged$2"; fi
  mount --bind "$1" "$merged$2"
  shift 2
done
mount -t proc proc "$merged/proc"
mount -t sysfs -o ro sysfs "$merged/sys"
mount -t tmpfs -o mode=755 tmpfs "$merged/run"
mount -t tmpfs -o mode=1777 tmpfs "$merged/tmp"
mount -t tmpfs -o mode=755 tmpfs "$merged/dev"
for name in null zero full random urandom tty; do
  touch "$merged/dev/$name"
  mount --bind "/dev/$name" "$merged/dev/$name"
done
mkdir "$merged/dev/pts" "$merged/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$merged/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$merged/dev/shm"
ln -s pts/ptmx "$merged/dev/ptmx"
for link in fd fd/0:stdin fd/1:stdout fd/2:stderr; do
  ln -s "/proc/self/${link%:*}" "$merged/dev/${link#*:}"
done
cp -L /etc/resolv.conf "$merged/etc/resolv.conf" 2>/dev/null || true
echo box > "$merged/etc/hostname"
echo '127.0.0.1 localhost box' > "$merged/etc/hosts"
hostname box
cd "$merged"
pivot_root . .
umount -l .
cd /
echo held
read -r _ || true
