# What tests/deploy/test_network.py does with the box that networked.sh installed, once systemd started the machine; each answer lands in /out.
out() { local name=$1; shift; "$@" >/out/$name 2>&1; echo $? >/out/$name.code; }
. /out/serving.sh
serving started
printf 'a long and quiet sentence\n' >/var/lib/salesedge/password
chown salesedge /var/lib/salesedge/password
out setup salesedge setup --email ana@solara.example --password-file /var/lib/salesedge/password --tenant "Solara Energia" --json
out job /opt/salesedge/current/venv/bin/python /out/main_job.py
out backup salesedge backup --target disk --json
out drill salesedge backup drill --target disk --json
out doctor salesedge doctor --json
out units systemctl list-units 'salesedge*' --plain --no-legend --state active
out exposure systemd-analyze security --no-pager
out failed systemctl --failed --plain --no-legend
