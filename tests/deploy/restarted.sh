# What tests/deploy/test_bundle.py does once the machine that bundled.sh installed has started anew; each answer lands in /out.
out() { local name=$1; shift; "$@" >/out/$name 2>&1; echo $? >/out/$name.code; }
of() { systemctl show --value -p "$2" "salesedge-$1"; }
# until OTHER PROPERTY UNIT: the property is another than it was, and the unit runs
until_other() {
  for _ in $(seq 240); do
    [ "$(of "$3" "$2")" != "$1" ] && [ "$(of "$3" ActiveState)" = active ] && return
    sleep 0.5
  done
}

. /out/serving.sh
serving again
out again.units systemctl list-units 'salesedge*' --plain --no-legend --state active
kill -STOP "$(of relay MainPID)" # its watchdog is silent from now on
out again.job /opt/salesedge/current/venv/bin/python /out/main_job.py again
for unit in web models redis worker@1 scheduler sessions; do
  before=$(of $unit MainPID)
  kill -9 "$before"
  until_other "$before" MainPID $unit
done
until_other 0 NRestarts relay
serving killed
for unit in web models redis worker@1 scheduler sessions relay; do echo "$unit $(of $unit NRestarts) $(of $unit ActiveState)"; done >/out/killed.units
out watchdog journalctl -b --no-pager -o cat -u salesedge-relay
out logs salesedge logs --process relay --lines 40
out again.failed systemctl --failed --plain --no-legend

job=/opt/salesedge/current/venv/bin/python\ /out/main_job.py\ again
out update salesedge update /srv/next.release --json
serving updated
out updated.job $job
out rollback salesedge rollback --discard --json
serving back
# the power goes while the new release is looked at
journal=/opt/salesedge/update.json
salesedge update /srv/next.release --json >/out/cut.update 2>&1 &
for _ in $(seq 2400); do
  grep -q '"step": *"gate"' $journal && break
  sleep 0.1
done
grep -q '"step": *"gate"' $journal || exit 1
kill -9 "$(python3 -c "import json; print(json.load(open('$journal'))['pid'])")"
cp $journal /out/cut.journal
