# What tests/deploy/test_bundle.py does on a bare machine without a network, which systemd runs; each answer lands in /out. restarted.sh goes
# on after a restart of it.
out() { local name=$1; shift; "$@" >/out/$name 2>&1; echo $? >/out/$name.code; }
everything() { find / -xdev \( -path /out -o -path /proc -o -path /dev -o -path /tmp -o -path /srv/box.release \) -prune -o ! -path / -printf '%p %y %m %s %T@\n' | sort; }
install_from() { local name=$1 file=$2 key=$3; out "$name" installers/install.sh --unattended --domain box.test --config /out/answers.yml --bundle "$file" --release-key "$key"; }
# turns one byte in the middle of the bundle's last package round, and back
flip() {
  python3 - <<'PYTHON'
import tarfile
with tarfile.open("/srv/box.release") as tar:
    last = [member for member in tar if member.name.endswith(".deb")][-1]
with open("/srv/box.release", "r+b") as file:
    file.seek(last.offset_data + last.size // 2)
    byte = file.read(1)[0]
    file.seek(-1, 1)
    file.write(bytes([byte ^ 1]))
PYTHON
}
sources() { find /etc/apt/*.list /etc/apt/*.d /etc/pip.conf -type f ! -path '*/apt.conf.d/*' -exec sha256sum {} + 2>/dev/null | sort; }

dpkg --purge python3-apt python3-venv python3.*-venv >/dev/null 2>&1 # the bundle brings them
out routes cat /proc/net/route /proc/net/ipv6_route
mkdir -p /srv/salesedge
tar -xOf /srv/box.release source.tar.gz | tar -xz -C /srv/salesedge --no-same-owner
cd /srv/salesedge
umask 077 # as on a machine that somebody hardened
everything >/out/before
flip
install_from flipped /srv/box.release /srv/key.pem
flip
install_from foreign /srv/box.release /srv/other.pem
install_from cut /srv/cut.release /srv/key.pem
everything >/out/after
[ "$(cat /out/flipped.code /out/foreign.code /out/cut.code)" = $'1\n1\n1' ] || exit 0

printf '#!/bin/sh\necho port 2222\n' >/usr/sbin/sshd
chmod 755 /usr/sbin/sshd
mkdir -p /var/lib/salesedge /etc/salesedge
touch /var/lib/salesedge/salesedge.db /etc/salesedge/master.key
install_from tried /srv/box.release /srv/key.pem
out alone find /var/lib/salesedge /etc/salesedge -type f -printf '%P %u\n'
rm -r /var/lib/salesedge /etc/salesedge

sources >/out/sources.before
install_from first /srv/box.release /srv/key.pem
# by hand: what was answered before is kept by Enter, and what will not do is asked again
printf '\ninterna\n\n\n' | out second script -qec "installers/install.sh --bundle /srv/box.release --release-key /srv/key.pem" /dev/null
sources >/out/sources.after
[ "$(cat /out/first.code)" = 0 ] || exit 0
find /etc/systemd/system/*.wants -name 'salesedge*' -type l -printf '%f\n' | sort >/out/enabled
. /out/serving.sh
serving first
printf 'a long and quiet sentence\n' >/var/lib/salesedge/password
chown salesedge /var/lib/salesedge/password
out code salesedge setup-code
out setup salesedge setup --email ana@solara.example --password-file /var/lib/salesedge/password --tenant "Solara Energia" --json
out doctor salesedge doctor --json
out job /opt/salesedge/current/venv/bin/python /out/main_job.py
out models salesedge models list --json
out verified salesedge models verify --json
out brand salesedge brand show --json
out roles runuser -u postgres -- psql -d salesedge -tAc \
  "SELECT rolname, rolsuper, rolbypassrls, (SELECT count(*) > 0 FROM pg_tables WHERE schemaname = 'public' AND tableowner = rolname) FROM pg_roles WHERE rolname LIKE 'salesedge%' ORDER BY 1"
cd /root
out kit salesedge keys kit --out kit.html
out firewall cat /etc/nftables.conf /etc/nftables.d/salesedge.nft
out journal cat /etc/systemd/journald.conf.d/50-salesedge.conf
out exceptions cat /etc/systemd/system/salesedge-.service.d/20-backup.conf
out groups id -Gn salesedge
out keys stat -c '%U %a' /etc/salesedge/master.key
out trusted find /opt/salesedge/release-keys -type f -printf '%f %u %m\n'
out releases find /opt/salesedge -maxdepth 1 -mindepth 1 -printf '%f\n'
out failed systemctl --failed --plain --no-legend
