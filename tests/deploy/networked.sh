# What tests/deploy/test_network.py does on a bare machine that a network leads out of; each answer lands in /out. networked_job.sh goes on
# once the machine has started.
cd /srv/salesedge
out() { local name=$1; shift; "$@" >/out/$name 2>&1; echo $? >/out/$name.code; }

umask 077 # as on a machine that somebody hardened
out first installers/install.sh --unattended --domain box.test --config /out/answers.yml
[ "$(cat /out/first.code)" = 0 ] || exit 0
# a package of each kind and the program that installs are lost
current=/opt/salesedge/current
dpkg --purge tesseract-ocr-por >/dev/null
$current/venv/bin/pip uninstall --quiet --yes idna
rm $current/.packages-*
rm -r /opt/salesedge/installer # Ansible, too
out lost $current/venv/bin/python -c 'import idna'
out mended installers/install.sh --unattended
out releases.before find /opt/salesedge -maxdepth 1 -mindepth 1 -printf '%f\n'
echo >>appliance/__init__.py # another release, which a check unpacks nowhere
out check installers/install.sh --check
out releases.after find /opt/salesedge -maxdepth 1 -mindepth 1 -printf '%f\n'
out languages tesseract --list-langs
out found $current/venv/bin/python -c 'import idna; print(idna.__file__)'
for cluster in $(pg_lsclusters -h | awk '{print $1}'); do pg_ctlcluster "$cluster" main stop -m fast; done
