# boot.sh ROOT SCRIPT: systemd of a bare root as the first process of namespaces of its own, without a network, as a machine would start it.
# It does SCRIPT (a path inside) and goes off. What is the machine's own stays so: the kernel's settings, its clock, its modules.
set -eu
root=$1 script=$2
mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/shm dev/pts
for device in null zero full random urandom tty; do
  touch dev/$device
  mount --bind /dev/$device dev/$device
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
for number in 0 1 2; do ln -s /proc/self/fd/$number dev/$(echo stdin stdout stderr | cut -d ' ' -f $((number + 1))); done
ln -s /proc/self/fd dev/fd

wanted=run/systemd/system/multi-user.target.wants
mkdir -p $wanted
cat >run/systemd/system/scene.service <<UNIT
[Unit]
After=multi-user.target
[Service]
Type=oneshot
Environment=HOME=/root LANG=C.UTF-8
ExecStart=bash $script
StandardOutput=append:/out/scene
StandardError=inherit
ExecStopPost=systemctl --no-block poweroff
UNIT
ln -s ../scene.service $wanted/

hostname box
mkdir -p old
pivot_root . old
umount -l /old
rmdir /old
mount --make-rshared / # a service's credentials come to it by a mount that spreads
kept=-sys_time,-sys_module,-sys_rawio,-sys_boot
exec env -i container=other PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  setpriv --bounding-set $kept --inh-caps $kept /lib/systemd/systemd --system --log-target=journal --show-status=no
