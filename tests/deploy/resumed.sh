# What tests/deploy/test_bundle.py does once the machine has started on which restarted.sh left an update half done; each answer lands in /out.
out() { local name=$1; shift; "$@" >/out/$name 2>&1; echo $? >/out/$name.code; }
. /out/serving.sh
serving resumed
cp /opt/salesedge/update.json /out/resumed.journal
out resumed.said journalctl -b --no-pager -o cat -u salesedge.resume.service
out resumed.job /opt/salesedge/current/venv/bin/python /out/main_job.py again
out resumed.failed systemctl --failed --plain --no-legend
