# What tests/deploy/test_bundle.py does with the box that bundled.sh installed, once a network leads out; each answer lands in /out.
cd /srv/salesedge
out() { local name=$1; shift; "$@" >/out/$name 2>&1; echo $? >/out/$name.code; }

umask 077 # as on a machine that somebody hardened
for cluster in $(pg_lsclusters -h | awk '{print $1}'); do pg_ctlcluster "$cluster" main start; done
# a package of each kind and the program that installs are lost; only the network has them now
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
