#!/usr/bin/env bash
# Installs SalesEdge on this machine for good: PostgreSQL, Redis, TLS, firewall, systemd units. Run it again to change or mend something.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
umask 022 # the box's own user reads what root lays down, however this machine is hardened
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"
steps_total=4

usage() {
  cat <<TXT
Usage: installers/install.sh [options]

  --unattended        ask nothing; what is not given takes its default
  --config FILE       answers as YAML, any variable of ansible/ (default: those of the last installation)
  --domain NAME       name people type to reach the box (default: this machine's)
  --tls WAY           acme: a public address, certificates by themselves; internal: an authority of the box's own (default);
                      supplied: yours, with --certificate and --certificate-key; none: you bring a proxy of your own
  --email ADDRESS     whom the certificate authority writes to
  --certificate FILE, --certificate-key FILE
  --plan SIZE         small (default), medium or large
  --bundle FILE       everything comes from this file of installers/bundle; no network is used
  --release-key PEM   public key of whoever makes the releases: the bundle and later updates must be signed by it
  --check             change nothing, say what would be changed (on a box that is installed)
  --help              this text
TXT
}

case $spoken in pt*) . "$source_dir/installers/portuguese-install.sh" ;; esac

answers=/etc/salesedge-install.yml # not where the box's own user may write: it is read as root
venv=/opt/salesedge/installer
log=/var/log/salesedge-install.log
ask=yes
given=()
play=()
bundle="" release_key="" unpacked=no
asked_for=("$@")
wrong() { say "$@" >&2; usage >&2; exit 2; }
one_of() { case $2 in *" "*) false ;; *) case " $1 " in *" $2 "*) ;; *) false ;; esac ;; esac; }
choose() { one_of "$3" "$2" || wrong "%s takes one of: %s" "$1" "$3"; }
config=""
while [ $# -gt 0 ]; do
  case $1 in
    --config | --domain | --tls | --email | --certificate | --certificate-key | --plan | --bundle | --release-key) [ $# -ge 2 ] || wrong "%s needs a value." "$1" ;;
  esac
  case $1 in
    --unattended) ask=no ;;
    --config) [ -r "$2" ] || wrong "The file %s cannot be read." "$2"; config=$(realpath "$2"); shift ;;
    --domain) given+=("salesedge_domain=$2"); shift ;;
    --tls) choose "$1" "$2" "acme internal supplied none"; given+=("proxy_tls=$2"); shift ;;
    --email) given+=("proxy_acme_email=$2"); shift ;;
    --certificate) given+=("proxy_certificate=$(realpath "$2")"); shift ;;
    --certificate-key) given+=("proxy_certificate_key=$(realpath "$2")"); shift ;;
    --plan) choose "$1" "$2" "small medium large"; given+=("salesedge_plan=$2"); shift ;;
    --bundle) [ -r "$2" ] || wrong "The file %s cannot be read." "$2"; bundle=$(realpath "$2"); shift ;;
    --release-key) [ -r "$2" ] || wrong "The file %s cannot be read." "$2"; release_key=$(realpath "$2"); shift ;;
    --unpacked) unpacked=yes ;; # said by this program to the one in the bundle
    --check) play+=(--check); ask=no ;;
    --help | -h) usage; exit 0 ;;
    *) wrong "Unknown option: %s" "$1" ;;
  esac
  shift
done

[ -z "$bundle" ] || [ -n "$release_key" ] || wrong "--bundle needs --release-key: the public key of whoever made the file."

# --- may it be done here ----------------------------------------------------------------------------------------------

[ "$(id -u)" = 0 ] || fail "installing takes administrator rights." "$(t "Run it with sudo, or try SalesEdge first without: %s" installers/quickstart.sh)"
. /etc/os-release
case ${ID:-}:${VERSION_ID:-} in
  debian:1[2-9]* | debian:[2-9][0-9]* | ubuntu:24.04 | ubuntu:2[5-9].* | ubuntu:[3-9][0-9].*) ;;
  *) fail "$(t "SalesEdge is installed on Debian 12, Ubuntu 24.04 and newer; this is %s." "${PRETTY_NAME:-?}")" \
    "$(t "To try it on anything with Python 3.11: %s" installers/quickstart.sh)" ;;
esac

if [ -n "$bundle" ]; then
  . "$source_dir/installers/from-bundle.sh"
  [ $unpacked = yes ] || open_bundle
fi

mkdir -p /opt/salesedge /etc/salesedge
one_at_a_time /opt/salesedge update.lock # nobody installs and updates at once
: >"$log"
chmod 600 "$log"
[ -z "$bundle" ] || use_bundle
find_python
step "Python %s at %s" "$version" "$python"
need_space /opt/salesedge 3000

# --- the answers ------------------------------------------------------------------------------------------------------

known() { [ ! -e "$answers" ] || sed -n "s/^$1: *//p" "$answers" | tr -d '"' | tail -n 1; }
# question NAME DEFAULT SENTENCE [file | "CHOICE…"]: asks unless the answer was given, and again while it will not do
question() {
  local name=$1 default said one wanted=${4-}
  for one in ${given[@]+"${given[@]}"}; do [ "${one%%=*}" != "$name" ] || return 0; done
  default=$(known "$name")
  default=${default:-$2}
  while said=""; do
    if [ "$ask" = yes ]; then
      printf '%s [%s] ' "$(t "$3")" "$default"
      read -r said || fail "the questions were not answered; nothing was installed." "$(t "To be asked nothing: %s" "installers/install.sh --unattended")"
    fi
    said=${said:-$default}
    [ "$ask" = no ] || fits "$wanted" "$said" || continue
    break
  done
  [ "$wanted" != file ] || [ -z "$said" ] || said=$(realpath -m -- "$said")
  given+=("$name=$said")
}
# fits file|CHOICES|"" ANSWER; what does not is said
fits() {
  case $1 in
    "") ;;
    file) { [ -f "$2" ] && [ -r "$2" ]; } || { say "The file %s cannot be read." "$2"; false; } ;;
    *) one_of "$1" "$2" || { say "It has to be one of: %s" "$1"; false; } ;;
  esac
}
answer() { local one; for one in ${given[@]+"${given[@]}"}; do [ "${one%%=*}" != "$1" ] || printf '%s' "${one#*=}"; done; }

if [ "$ask" = yes ] && [ ! -t 0 ]; then ask=no; fi
if [ -z "$config" ]; then
  question salesedge_domain "$(hostname -f 2>/dev/null || cat /etc/hostname)" "Name people type to reach the box?"
  question proxy_tls internal "Certificate: acme, internal, supplied or none?" "acme internal supplied none"
  choose --tls "$(answer proxy_tls)" "acme internal supplied none"
  case $(answer proxy_tls) in
    acme) question proxy_acme_email "" "E-mail for the certificate authority?" ;;
    supplied)
      question proxy_certificate "" "File of the certificate chain?" file
      question proxy_certificate_key "" "File of its key?" file
      [ -r "$(answer proxy_certificate)" ] && [ -r "$(answer proxy_certificate_key)" ] || wrong "The certificate or its key cannot be read." ;;
  esac
  sizes="small medium large $(known salesedge_plan)" # one of their own stands in the answers
  question salesedge_plan small "Size: small, medium or large?" "$sizes"
  choose --plan "$(answer salesedge_plan)" "$sizes"
fi
# later ones count: what was written by hand stays unless it was asked anew
fresh=$(mktemp)
trap 'rm -rf "$fresh" ${bundle:+"$bundle_folder"}' EXIT
{ [ ! -e "${config:-$answers}" ] || cat "${config:-$answers}"; } >"$fresh"
for one in ${given[@]+"${given[@]}"}; do
  sed -i "/^${one%%=*}:/d" "$fresh"
  printf '%s: "%s"\n' "${one%%=*}" "$(printf '%s' "${one#*=}" | sed 's/[\\"]/\\&/g')" >>"$fresh"
done
case " ${play[*]} " in *" --check "*) ;; *) cmp -s "$fresh" "$answers" || install -m 600 "$fresh" "$answers" ;; esac

if [ -e /proc/driver/nvidia/version ]; then
  note "GPU: NVIDIA, with its driver; the engine that comes with the box works on the processor, Ollama or one that you compile can use it"
elif grep -qsx 0x10de /sys/bus/pci/devices/*/vendor; then
  note "GPU: NVIDIA, but its driver is missing; language models would run on the processor (Debian: apt-get install nvidia-driver)"
else
  note "GPU: none; language models run on the processor"
fi

# --- the programs that install ----------------------------------------------------------------------------------------

step "The program that installs (Ansible), each package checked against its hash"
stamp=$venv/.salesedge-ansible
if [ ! -x "$venv/bin/ansible-playbook" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$(stamp_of "$venv" ansible.txt)" ]; then
  [ -e /etc/ssl/certs/ca-certificates.crt ] || install_packages ca-certificates || true
  make_venv "$venv"
  # of a large library little is used, and by root; to pip the value says what "compile" is to be
  PIP_NO_COMPILE=0 install_locked "$venv" ansible.txt || explain_pip "$venv"
  stamp_of "$venv" ansible.txt >"$stamp"
fi
/usr/bin/python3 -c 'import apt' 2>/dev/null || install_packages python3 python3-apt ||
  fail "$(t "apt could not install %s." python3-apt)" "$(tail -n 3 "$log")" "$(t "The whole log: %s" "$log")"

if [ -n "$release_key" ]; then
  play+=(-e "app_release_key=$release_key")
  say "The releases of this box are signed by the key with the fingerprint %s. Compare it with what their maker tells you by another way." \
    "$(sed '/-----/d' "$release_key" | base64 -d 2>/dev/null | tail -c 32 | sha256sum | sed 's/\(....\)/\1 /g' | cut -c -39)"
fi
[ -z "$bundle" ] || play+=(-e "@$bundle_folder/parts.yml")
step "SalesEdge, its database, queue, proxy and firewall; some minutes the first time"
export ANSIBLE_CONFIG=$source_dir/ansible/ansible.cfg ANSIBLE_LOG_PATH=$log ANSIBLE_FORCE_COLOR=0 ANSIBLE_LOCALHOST_WARNING=0
export ANSIBLE_INVENTORY_UNPARSED_WARNING=0 LC_ALL=C.UTF-8
"$venv/bin/ansible-playbook" -i "salesedge," -c local -e ansible_python_interpreter=/usr/bin/python3 -e ansible_become=false \
  -e "@$fresh" "${play[@]}" "$source_dir/ansible/site.yml" </dev/null 9>&- ||
  fail "a step above could not be done; what was done before it stays, and another run goes on from there." "$(t "The whole log: %s" "$log")"
case " ${play[*]} " in *" --check "*) exit 0 ;; esac

step "Ready"
address=$(sed -n 's/^public_url = "\(.*\)"/\1/p' /etc/salesedge/config.toml)
if [ -d /run/systemd/system ]; then
  say "SalesEdge runs at %s" "${address:-http://127.0.0.1:8080}"
else
  say "SalesEdge is installed; no systemd runs here, so it starts with the machine. Address: %s" "${address:-http://127.0.0.1:8080}"
fi
# a box that is set up has no code, which is no failure of ours
if code=$(LC_ALL="$spoken" /usr/local/bin/salesedge setup-code 2>>"$log"); then
  say "Open %s and enter the one-time code %s" "${address:-http://127.0.0.1:8080}/setup" "$code"
fi
