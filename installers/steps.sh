# What quickstart.sh and test.sh share; sourced by them. Bash, and only what every Debian has: coreutils, util-linux, awk, sed, grep.

spoken=${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} # the reader's language; the programs called here speak the one whose words are read below
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PYTHONUNBUFFERED=1
unset PYTHONPATH PYTHONHOME
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
started=$SECONDS
step_no=0

# English sentence -> the same in the reader's language; empty for English
declare -A said_as=()
# t SENTENCE VALUE...: the sentence in the reader's language, its %s filled in
t() {
  local sentence=$1
  [ -z "$1" ] || sentence=${said_as[$1]:-$1}
  shift
  # shellcheck disable=SC2059 - the sentences are ours
  if [ $# -eq 0 ]; then printf '%s' "$sentence"; else printf "$sentence" "$@"; fi
}
say() { printf '%s\n' "$(t "$@")"; }
note() { printf '      %s\n' "$(t "$@")"; }
step() {
  step_no=$((step_no + 1))
  printf '[%d/%d] %s (%d s)\n' "$step_no" "$steps_total" "$(t "$@")" $((SECONDS - started))
}
# fail SENTENCE LINE...: sentences with values in them come through t
fail() {
  printf '\n%s: %s\n' "$(t "%s could not finish" "${0##*/}")" "$(t "$1")" >&2
  shift
  local line
  for line in "$@"; do printf '  %s\n' "$(t "$line")" >&2; done
  exit 1
}

# --- administrator rights and Debian packages -------------------------------------------------------------------------

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n -- "$@"; fi
}

can_install_packages() {
  command -v apt-get >/dev/null 2>&1 || return 1
  [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; }
}

apt() {
  # RUNLEVEL=1: a package must not start a system service only because we wanted its program
  as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
    -o Acquire::Retries=3 "$@" </dev/null >>"$log" 2>&1 9>&-
}

# install_packages PACKAGE...: true when all of them are installed afterwards
install_packages() {
  can_install_packages || return 1
  note "installing with apt: %s" "$*"
  apt install --no-install-recommends "$@" && return 0
  # an earlier run was cut off in the middle; or the lists are missing (a fresh image) or too old to find their files
  as_root env DEBIAN_FRONTEND=noninteractive dpkg --configure -a </dev/null >>"$log" 2>&1 9>&- || true
  apt update && apt install --no-install-recommends "$@"
}

# --- Python -----------------------------------------------------------------------------------------------------------

python_version() { "$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null; }

is_new_enough() {
  local major minor
  IFS=. read -r major minor _ <<<"$1"
  [ "${major:-0}" -gt 3 ] 2>/dev/null || { [ "${major:-0}" = 3 ] && [ "${minor:-0}" -ge 11 ]; } 2>/dev/null
}

# sets python and version, or fails
find_python() {
  local candidate found="" tried
  if [ -n "${SALESEDGE_PYTHON:-}" ]; then tried=$SALESEDGE_PYTHON; else tried="python3 python3.13 python3.12 python3.11"; fi
  for candidate in $tried; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    version=$(python_version "$candidate") || continue
    python=$(command -v "$candidate")
    if is_new_enough "$version"; then return 0; fi
    found="$version ($python)"
  done
  if [ -z "$found" ] && [ -z "${SALESEDGE_PYTHON:-}" ] && install_packages python3; then
    python=$(command -v python3)
    version=$(python_version "$python")
    if is_new_enough "$version"; then return 0; fi
    found="$version ($python)"
  fi
  fail "$(t "SalesEdge needs Python 3.11 or newer, and this machine has %s." "${found:-$(t none)}")" \
    "Debian 12 and Ubuntu 24.04 have it: apt-get install python3" \
    "$(t "If it is elsewhere, name it: %s" "SALESEDGE_PYTHON=/path/to/python3.11 $0")"
}

# make_venv DIR: a virtual environment with pip in it, made anew when it is broken or of another Python
make_venv() {
  local venv=$1
  if [ -x "$venv/bin/python" ] && [ "$(python_version "$venv/bin/python")" = "$version" ] &&
    "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    return 0
  fi
  rm -rf "$venv"
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian keeps ensurepip apart from Python
    install_packages python3-venv || install_packages "python${version%.*}-venv" || true
  fi
  if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    "$python" -m venv "$venv" >>"$log" 2>&1 && return 0
    fail "$(t "the virtual environment %s could not be made." "$venv")" "$(tail -n 2 "$log")" "$(t "The whole log: %s" "$log")"
  fi
  # a pip elsewhere on this machine can fill a virtual environment that has none
  if "$python" -m pip --version >/dev/null 2>&1 && "$python" -m venv --without-pip "$venv" >>"$log" 2>&1 &&
    "$python" -m pip --python "$venv/bin/python" install pip >>"$log" 2>&1; then
    return 0
  fi
  rm -rf "$venv"
  fail "Python's venv module is missing, and without administrator rights it cannot be installed from here." \
    "$(t "Ask whoever administers this machine for: %s" "apt-get install python3-venv")" "$(t "Then run %s again." "$0")"
}

# --- Python packages --------------------------------------------------------------------------------------------------

explain_pip() {
  if grep -qE 'No space left on device' "$log"; then
    fail "the disk is full." "$(t "Free about 1 GB in %s and in %s, then run %s again." "$(dirname "$1")" "${TMPDIR:-/tmp}" "$0")"
  elif grep -qE 'DO NOT MATCH THE HASHES' "$log"; then
    fail "a downloaded package is not the one this release was tested with, so it was not installed." \
      "$(t "A proxy or mirror may have changed it. Run %s again; if it happens again, see %s" "$0" "$log")"
  elif grep -qE 'SSLCertVerificationError|CERTIFICATE_VERIFY_FAILED' "$log"; then
    fail "the package registry's certificate is not trusted by this machine." \
      "Behind a company proxy, point pip at its certificate: export PIP_CERT=/path/to/company-ca.pem"
  elif grep -qE 'NewConnectionError|Temporary failure in name resolution|Network is unreachable|ConnectTimeout|Read timed out|ProxyError|ProtocolError' "$log" ||
    ! grep -qE '^ *(Downloading|Using cached|Requirement already satisfied)' "$log"; then
    fail "the package registry could not be reached." \
      "$(t "Check the network (and HTTPS_PROXY or PIP_INDEX_URL if you use a proxy or a mirror), then run %s again; it goes on where it stopped." "$0")"
  elif grep -qE 'No matching distribution found|is not a supported wheel' "$log"; then
    fail "$(t "a package has no build for this machine (%s, Python %s)." "$(uname -m)" "$version")" "$(grep -m1 -E 'No matching distribution|not a supported wheel' "$log")" \
      "SalesEdge runs on 64-bit x86 and ARM with Debian 12, Ubuntu 24.04 or newer."
  fi
  fail "the Python packages could not be installed." "$(grep -E '^ *(ERROR|error)' "$log" | head -n 3)" "$(t "The whole log: %s" "$log")"
}

# with_progress TOTAL VENV COMMAND...: runs it into the log and says every few seconds how far it is
with_progress() {
  local total=$1 venv=$2 pid seen last=-1 from had
  shift 2
  had=$(packages_in "$venv")
  from=$(($(wc -l <"$log") + 1))
  "$@" </dev/null >>"$log" 2>&1 &
  pid=$!
  trap 'kill "$pid" 2>/dev/null; exit 143' INT TERM
  while sleep 1 && kill -0 "$pid" 2>/dev/null; do
    [ $(((SECONDS - started) % 5)) -eq 0 ] || continue
    seen=$(tail -n +"$from" "$log" | grep -cE '^(Collecting|Requirement already satisfied)' || true)
    if tail -n +"$from" "$log" | grep -q '^Installing collected'; then
      note "%d of %d packages unpacked (%d s)" $(($(packages_in "$venv") - had)) "$total" $((SECONDS - started))
    elif [ "$seen" != "$last" ]; then
      note "%d of %d packages fetched (%d s)" "$seen" "$total" $((SECONDS - started))
    fi
    last=$seen
  done
  trap - INT TERM
  wait "$pid"
}

packages_in() { find "$1"/lib/python*/site-packages -maxdepth 1 -name '*.dist-info' 2>/dev/null | wc -l || true; }

# install_locked VENV LOCK...: exactly what the locks name, wheels only: nothing is ever compiled
install_locked() {
  local venv=$1 lock args=() total
  shift
  for lock in "$@"; do args+=(--requirement "$source_dir/requirements/$lock"); done
  total=$(cat "${@/#/$source_dir/requirements/}" | grep -c '^[a-z0-9]')
  with_progress "$total" "$venv" "$venv/bin/python" -m pip install --no-deps --require-hashes --only-binary :all: "${args[@]}"
}

# install_product VENV: the checkout itself, in place
install_product() {
  "$1/bin/python" -m pip install --no-deps --no-build-isolation --editable "$source_dir" </dev/null >>"$log" 2>&1
}

# --- once and only once -----------------------------------------------------------------------------------------------

# stamp_of VENV LOCK...: changes whenever what should be installed there does
stamp_of() {
  local venv=$1
  shift
  { printf '%s\n' "$source_dir" "$venv" "$version"; cat "$source_dir/pyproject.toml" "${@/#/$source_dir/requirements/}"; } | sha256sum | cut -d' ' -f1
}

# the locks agree on every version they share, so one environment may be current for several of them
stamp_file() { local IFS=+; printf '%s/.salesedge-%s' "$1" "${*:2}"; }
is_current() { [ -x "$1/bin/salesedge" ] && [ "$(cat "$(stamp_file "$@")" 2>/dev/null)" = "$(stamp_of "$@")" ]; }
mark_current() { stamp_of "$@" >"$(stamp_file "$@")"; }

# one_at_a_time DIR [LOCK]: waits for another set-up in the same place; released by release_turn or when the script ends
one_at_a_time() {
  mkdir -p "$1" 2>/dev/null || fail "$(t "the folder %s cannot be written." "$1")" "Choose another with --prefix DIR, or run as the user who owns it."
  { exec 9>"$1/${2:-.salesedge-setup.lock}"; } 2>/dev/null || fail "$(t "the folder %s cannot be written." "$1")" \
    "Choose another with --prefix DIR, or run as the user who owns it."
  chmod 600 "$1/${2:-.salesedge-setup.lock}" 2>/dev/null || true # who can open it can hold it
  flock -n 9 && return 0
  say "Another set-up is running in %s; waiting for it to finish." "$1"
  flock -w 1800 9 || fail "$(t "the other set-up in %s is still running after half an hour." "$1")" "$(t "Stop it, then run %s again." "$0")"
}

release_turn() { exec 9>&-; }

need_space() {
  local dir=$1 wanted=$2 free
  free=$(df -Pm "$dir" | awk 'NR==2 {print $4}')
  [ "${free:-0}" -ge "$wanted" ] || fail "$(t "only %d MB are free in %s; the set-up needs %d MB." "$free" "$dir" "$wanted")" "$(t "Free some space, then run %s again." "$0")"
}
